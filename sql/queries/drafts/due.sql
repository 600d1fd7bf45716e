-- Companies to write to. Those of a stream from a priority on, unless they are named; who has no draft of the
-- channel yet comes first, so that a limit does not keep the same companies in front.
WITH chosen AS (
    SELECT i.company_id, i.position FROM stream_items i JOIN streams s ON s.id = i.stream_id
    WHERE i.stream_id = %(stream_id)s::uuid AND s.org_id IS NOT DISTINCT FROM %(org_id)s::uuid
      AND CASE WHEN %(company_ids)s::uuid[] IS NULL
               THEN coalesce(array_position('{critical,high,medium,low}', i.priority)
                    <= array_position('{critical,high,medium,low}', %(priority)s::text), false)
               ELSE i.company_id = ANY (%(company_ids)s) END
      AND (%(min_score)s::numeric IS NULL OR i.quality_score >= %(min_score)s)
    UNION ALL
    SELECT n.id, n.place FROM unnest(%(company_ids)s::uuid[]) WITH ORDINALITY AS n (id, place)
    WHERE %(stream_id)s::uuid IS NULL
)
SELECT c.id FROM chosen x JOIN companies c ON c.id = x.company_id
WHERE (c.org_id IS NULL OR c.org_id = %(org_id)s::uuid) AND c.merged_into IS NULL
ORDER BY EXISTS (SELECT FROM drafts d WHERE d.company_id = c.id AND d.channel = %(channel)s
                 AND d.org_id IS NOT DISTINCT FROM %(org_id)s::uuid AND d.status <> 'withdrawn'),
    x.position NULLS LAST, c.id
LIMIT %(limit)s
