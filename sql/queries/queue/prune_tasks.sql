-- Ended rows past their time, walking the primary key in chunks: bounded whatever the table holds,
-- and no index of its own, which would cost every finish. Failed rows stay until somebody decides.
-- What somebody has locked, to put it in line again for example, is left for the next walk: who deletes
-- many rows must not wait while others wait for him.
WITH seen AS MATERIALIZED (
    SELECT id FROM agent_tasks WHERE id > %(after)s::uuid ORDER BY id LIMIT 5000
), gone AS (
    DELETE FROM agent_tasks t WHERE t.ctid = ANY (ARRAY(
        SELECT d.ctid FROM agent_tasks d
        WHERE d.id > %(after)s::uuid AND d.id <= (SELECT id FROM seen ORDER BY id DESC LIMIT 1)
          AND d.status IN ('completed', 'cancelled')
          AND coalesce(d.finished_at, d.created_at) < oppspot_now() - make_interval(secs => %(keep_s)s)
        FOR UPDATE SKIP LOCKED))
    RETURNING 1
)
SELECT (SELECT id FROM seen ORDER BY id DESC LIMIT 1) AS last_id, (SELECT count(*) FROM gone) AS deleted
