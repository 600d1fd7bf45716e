-- Why a company has its score in a stream, and by which facts it was written to before.
SELECT coalesce((SELECT i.score_reasons FROM stream_items i JOIN streams s ON s.id = i.stream_id
                 WHERE i.stream_id = %(stream_id)s::uuid AND i.company_id = %(company_id)s
                   AND s.org_id IS NOT DISTINCT FROM %(org_id)s::uuid), '[]') AS reasons,
    array(SELECT d.prompt_hash FROM drafts d
          WHERE d.company_id = %(company_id)s AND d.channel = %(channel)s AND d.status <> 'withdrawn'
            AND d.task_id IS DISTINCT FROM %(task_id)s::uuid
            AND d.org_id IS NOT DISTINCT FROM %(org_id)s::uuid) AS hashes
