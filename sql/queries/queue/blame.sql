-- Says what a task that is still ours did to its runner: on the task until it runs again, and on the attempt,
-- where the rescue that follows finds it.
WITH guilty AS (
    UPDATE agent_tasks SET error_message = %(error)s WHERE id = %(task_id)s AND run_token = %(run_token)s
    RETURNING *
)
INSERT INTO agent_executions (id, task_id, attempt, agent_id, org_id, stream_id, status, started_at, input_data, runner_id,
    error_message)
SELECT t.execution_id, t.id, t.attempt, t.agent_id, coalesce(t.org_id, a.org_id), t.stream_id, 'running', t.started_at,
       t.payload, t.runner_id, t.error_message
FROM guilty t LEFT JOIN ai_agents a ON a.id = t.agent_id
WHERE t.execution_id IS NOT NULL
ON CONFLICT (task_id, attempt) WHERE task_id IS NOT NULL DO UPDATE SET
    status = excluded.status, started_at = excluded.started_at, input_data = excluded.input_data,
    runner_id = excluded.runner_id, error_message = excluded.error_message
