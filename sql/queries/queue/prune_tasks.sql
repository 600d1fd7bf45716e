-- Ended rows past their time, walking the primary key in chunks: bounded whatever the table holds,
-- and no index of its own, which would cost every finish. Failed rows stay until somebody decides.
WITH seen AS MATERIALIZED (
    SELECT id FROM agent_tasks WHERE id > %(after)s::uuid ORDER BY id LIMIT 5000
), gone AS (
    DELETE FROM agent_tasks t USING seen s
    WHERE t.id = s.id AND t.status IN ('completed', 'cancelled')
      AND coalesce(t.finished_at, t.created_at) < oppspot_now() - make_interval(secs => %(keep_s)s)
    RETURNING 1
)
SELECT (SELECT id FROM seen ORDER BY id DESC LIMIT 1) AS last_id, (SELECT count(*) FROM gone) AS deleted
