-- Keys of blocked tasks, some at a time: who should have let them in may have died, or the limit changed.
WITH RECURSIVE walk AS (
    (SELECT limit_key FROM agent_tasks WHERE status = 'pending' AND blocked AND limit_key > %(after)s
     ORDER BY limit_key LIMIT 1)
    UNION ALL
    SELECT n.limit_key FROM walk w CROSS JOIN LATERAL (
        SELECT t.limit_key FROM agent_tasks t
        WHERE t.status = 'pending' AND t.blocked AND t.limit_key > w.limit_key ORDER BY t.limit_key LIMIT 1) n
), page AS MATERIALIZED (
    SELECT ARRAY(SELECT limit_key FROM walk LIMIT 100) AS keys
)
SELECT s.keys, a.moved FROM page s CROSS JOIN LATERAL arrange_keys(s.keys) a
