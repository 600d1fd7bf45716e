-- Why a company has its score in a stream, by which facts it was written to before, and where its signals can be
-- read: by their titles, which is what is told of them. Other sources may say otherwise.
SELECT coalesce((SELECT i.score_reasons FROM stream_items i JOIN streams s ON s.id = i.stream_id
                 WHERE i.stream_id = %(stream_id)s::uuid AND i.company_id = %(company_id)s
                   AND s.org_id IS NOT DISTINCT FROM %(org_id)s::uuid), '[]') AS reasons,
    array(SELECT d.prompt_hash FROM drafts d
          WHERE d.company_id = %(company_id)s AND d.channel = %(channel)s AND d.status <> 'withdrawn'
            AND d.task_id IS DISTINCT FROM %(task_id)s::uuid
            AND d.org_id IS NOT DISTINCT FROM %(org_id)s::uuid) AS hashes,
    coalesce((SELECT jsonb_object_agg(s.title, coalesce(b.data ->> 'page', g.url))
              FROM current_signals s JOIN buying_signals b ON b.id = s.id
              JOIN signal_sightings g ON g.signal_id = s.id
              WHERE s.company_id = %(company_id)s AND s.org_id IS NOT DISTINCT FROM %(org_id)s::uuid
                AND g.url IS NOT NULL), '{}') AS pages
