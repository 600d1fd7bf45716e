-- One row a stream, the newest first, from the one after `before` on, with what it has and how its newest run stands.
SELECT s.id, s.name, s.org_id, s.created_at, s.progress -> 'percent' AS percent,
       (SELECT count(DISTINCT a.agent_id) FROM stream_agent_assignments a WHERE a.stream_id = s.id) AS agents,
       (SELECT count(*) FROM stream_items i WHERE i.stream_id = s.id) AS items,
       r.id AS run_id, r.status AS run_status, r.created_at AS run_at
FROM streams s
LEFT JOIN LATERAL (SELECT x.id, x.status, x.created_at FROM stream_runs x WHERE x.stream_id = s.id
                   ORDER BY x.created_at DESC LIMIT 1) r ON true
WHERE (%(org_id)s::uuid IS NULL OR s.org_id = %(org_id)s::uuid)
  AND (%(words)s::text IS NULL OR strpos(lower(s.name), lower(%(words)s::text)) > 0)
  AND (coalesce(s.created_at, timestamptz 'epoch'), s.id)
      < (coalesce(%(before_at)s::timestamptz, 'infinity'), coalesce(%(before_id)s::uuid, 'ffffffff-ffff-ffff-ffff-ffffffffffff'))
ORDER BY coalesce(s.created_at, timestamptz 'epoch') DESC, s.id DESC
LIMIT %(limit)s
