-- Where each agent of the last run of a stream is; what it says of itself while it runs.
SELECT a.name, n.level, n.status AS node, t.status AS task, t.progress, e.duration_ms, e.output_data AS output,
       coalesce(e.error_message, t.error_message) AS error, r.status AS run
FROM stream_runs r
JOIN stream_run_nodes n ON n.run_id = r.id
JOIN ai_agents a ON a.id = n.agent_id
LEFT JOIN agent_tasks t ON t.id = n.task_id
LEFT JOIN agent_executions e ON e.id = n.execution_id
WHERE r.id = (SELECT id FROM stream_runs WHERE stream_id = %(stream_id)s ORDER BY created_at DESC LIMIT 1)
ORDER BY n.level, a.name
