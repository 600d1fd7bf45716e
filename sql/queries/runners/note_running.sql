-- An attempt that outlived a heartbeat becomes visible as a running execution; short ones pay only
-- for the row at their end. `tokens` are those that the runner knows: of a claim whose answer got lost
-- nothing runs, nor of a task that is held. A task is locked while its row is written, so that whoever takes it away finds the row
-- and ends it; one that is being ended or taken away right now is passed over. What is shown already
-- is asked for row by row, by the key, whatever the statistics of a long history say.
INSERT INTO agent_executions (id, task_id, attempt, agent_id, org_id, stream_id, status, started_at, input_data, runner_id)
SELECT t.execution_id, t.id, t.attempt, t.agent_id, coalesce(t.org_id, a.org_id), t.stream_id, 'running', t.started_at,
       t.payload, t.runner_id
FROM (
    SELECT * FROM agent_tasks r
    WHERE r.runner_id = %(runner_id)s AND r.status = 'processing' AND r.execution_id IS NOT NULL
      AND r.run_token = ANY (%(tokens)s::bigint[]) AND NOT r.held
      AND r.started_at < oppspot_now() - make_interval(secs => %(older_than_s)s)
      AND coalesce((SELECT e.status = 'queued' FROM agent_executions e
                    WHERE e.task_id = r.id AND e.attempt = r.attempt), true)
    FOR SHARE SKIP LOCKED) t
LEFT JOIN ai_agents a ON a.id = t.agent_id
ORDER BY t.execution_id
ON CONFLICT (task_id, attempt) WHERE task_id IS NOT NULL DO UPDATE SET
    status = 'running', started_at = excluded.started_at, input_data = excluded.input_data, runner_id = excluded.runner_id
WHERE agent_executions.status = 'queued'
