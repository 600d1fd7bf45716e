-- The tasks in which something happened last. Ids of tasks and attempts begin with the time, so the
-- newest are at the end of the primary keys; ids of other making lie beyond the bound or far below.
WITH bound AS MATERIALIZED (
    SELECT (lpad(to_hex((extract(epoch FROM oppspot_now()) * 1000)::bigint + 1000), 12, '0') || repeat('0', 20))::uuid AS id
), seen AS (
    (SELECT e.task_id AS id FROM agent_executions e WHERE e.id < (SELECT b.id FROM bound b) AND e.task_id IS NOT NULL
     ORDER BY e.id DESC LIMIT 50)
    UNION
    (SELECT t.id FROM agent_tasks t WHERE t.id < (SELECT b.id FROM bound b) ORDER BY t.id DESC LIMIT 50)
)
SELECT t.id, t.agent_id, a.name AS agent_name, a.agent_type, t.task_type, t.status, t.priority, t.attempt, t.retry_count,
       t.progress::text AS progress, t.error_message, t.created_at,
       nullif(t.scheduled_for, '9999-01-01Z') AS scheduled_for, t.started_at, t.finished_at,
       t.runner_id, t.cancel_requested_at IS NOT NULL AS cancel_requested,
       extract(epoch FROM oppspot_now() - coalesce(t.finished_at, t.started_at, t.created_at))::float8 AS age_s,
       (extract(epoch FROM t.finished_at - t.started_at) * 1000)::bigint AS duration_ms
FROM seen s JOIN agent_tasks t ON t.id = s.id LEFT JOIN ai_agents a ON a.id = t.agent_id
WHERE t.status <> 'processing'
ORDER BY coalesce(t.finished_at, t.started_at, t.created_at) DESC NULLS LAST, t.id DESC LIMIT %(limit)s
