-- The nodes above one that keep it from starting. Of those that wait themselves only the direct ones
-- are of use, of those that failed, or were skipped for a reason of their own, all: what is below them
-- was skipped because of them.
WITH RECURSIVE above AS (
    SELECT n.run_id, d AS agent_id, true AS direct
    FROM stream_run_nodes n CROSS JOIN LATERAL unnest(n.depends_on) d
    WHERE n.run_id = %(run_id)s AND n.agent_id = %(agent_id)s
    UNION
    SELECT n.run_id, d, false
    FROM above b JOIN stream_run_nodes n ON n.run_id = b.run_id AND n.agent_id = b.agent_id
    CROSS JOIN LATERAL unnest(n.depends_on) d
)
SELECT n.run_id, n.agent_id, coalesce(a.name, a.agent_type, n.agent_id::text) AS agent_name, n.status, n.task_id,
       t.status AS task_status, t.progress::text AS progress, 
       coalesce(t.error_message, e.error_message, n.reason) AS error_message
FROM (SELECT run_id, agent_id, bool_or(direct) AS direct FROM above GROUP BY run_id, agent_id) b
JOIN stream_run_nodes n ON n.run_id = b.run_id AND n.agent_id = b.agent_id
LEFT JOIN ai_agents a ON a.id = n.agent_id
LEFT JOIN agent_tasks t ON t.id = n.task_id
LEFT JOIN agent_executions e ON e.id = n.execution_id
WHERE n.status IN ('failed', 'cancelled') OR (n.status = 'skipped' AND n.reason IS NOT NULL)
   OR (b.direct AND n.finished_at IS NULL)
ORDER BY n.level, n.execution_order NULLS LAST, n.agent_id
