-- An agent's place in a run, which exists before its task does.
SELECT n.run_id, n.agent_id, coalesce(a.name, a.agent_type, n.agent_id::text) AS agent_name, n.status, n.task_id,
       n.finished_at, n.reason, n.approve_by, r.status AS run_status, r.strategy, r.max_parallel
FROM stream_run_nodes n
JOIN stream_runs r ON r.id = n.run_id
LEFT JOIN ai_agents a ON a.id = n.agent_id
WHERE n.run_id = %(run_id)s AND n.agent_id = %(agent_id)s
