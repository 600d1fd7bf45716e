-- An attempt that outlived a heartbeat becomes visible as a running execution; short ones pay only
-- for the row at their end. `tokens` are those that the runner knows: of a claim whose answer got lost
-- nothing runs.
INSERT INTO agent_executions (id, task_id, attempt, agent_id, org_id, stream_id, status, started_at, input_data, runner_id)
SELECT t.execution_id, t.id, t.attempt, t.agent_id, coalesce(t.org_id, a.org_id), t.stream_id, 'running', t.started_at,
       t.payload, t.runner_id
FROM agent_tasks t LEFT JOIN ai_agents a ON a.id = t.agent_id
WHERE t.runner_id = %(runner_id)s AND t.status = 'processing' AND t.execution_id IS NOT NULL
  AND t.run_token = ANY (%(tokens)s::bigint[])
  AND t.started_at < oppspot_now() - make_interval(secs => %(older_than_s)s)
ORDER BY t.execution_id
ON CONFLICT (task_id, attempt) WHERE task_id IS NOT NULL DO UPDATE SET
    status = 'running', started_at = excluded.started_at, input_data = excluded.input_data, runner_id = excluded.runner_id
WHERE agent_executions.status = 'queued'
