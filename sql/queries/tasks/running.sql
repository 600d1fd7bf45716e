-- What is on now, the longest running first; an index of running rows serves it.
SELECT t.id, t.agent_id, a.name AS agent_name, a.agent_type, t.task_type, t.status, t.priority, t.attempt, t.retry_count,
       t.progress::text AS progress, t.error_message, t.created_at, t.scheduled_for, t.started_at, t.finished_at,
       t.runner_id, t.cancel_requested_at IS NOT NULL AS cancel_requested,
       extract(epoch FROM oppspot_now() - t.started_at)::float8 AS age_s,
       (extract(epoch FROM oppspot_now() - t.started_at) * 1000)::bigint AS duration_ms
FROM agent_tasks t LEFT JOIN ai_agents a ON a.id = t.agent_id
WHERE t.status = 'processing'
ORDER BY t.started_at, t.id LIMIT %(limit)s
