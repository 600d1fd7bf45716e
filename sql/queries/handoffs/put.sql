-- Before a body is submitted, so that whatever dies afterwards somebody knows of it. No row: the task is no longer
-- this runner's.
INSERT INTO task_handoffs (handle, task_id, run_token, attempt, companions, companion_tokens, backend, runner_id, ticket)
SELECT %(handle)s, t.id, t.run_token, t.attempt, %(companions)s::uuid[], %(companion_tokens)s::bigint[], %(backend)s,
       t.runner_id, %(ticket)s::jsonb
FROM agent_tasks t
WHERE t.id = %(task_id)s AND t.run_token = %(run_token)s AND t.runner_id = %(runner_id)s
RETURNING handle
