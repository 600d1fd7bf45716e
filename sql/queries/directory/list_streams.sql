-- One row a stream, with what it has and how its newest run stands.
SELECT s.id, s.name, s.org_id, s.created_at, s.progress -> 'percent' AS percent,
       (SELECT count(DISTINCT a.agent_id) FROM stream_agent_assignments a WHERE a.stream_id = s.id) AS agents,
       (SELECT count(*) FROM stream_items i WHERE i.stream_id = s.id) AS items,
       r.id AS run_id, r.status AS run_status, r.created_at AS run_at
FROM streams s
LEFT JOIN LATERAL (SELECT x.id, x.status, x.created_at FROM stream_runs x WHERE x.stream_id = s.id
                   ORDER BY x.created_at DESC LIMIT 1) r ON true
WHERE %(org_id)s::uuid IS NULL OR s.org_id = %(org_id)s::uuid
ORDER BY s.created_at DESC NULLS LAST, s.id
LIMIT %(limit)s
