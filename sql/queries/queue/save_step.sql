-- Fenced by the token (see hold): only the attempt that owns the task may remember. A step that is
-- there already stays.
INSERT INTO agent_steps (task_id, name, seq, result, attempt, position, fingerprint)
SELECT t.id, %(name)s, %(seq)s, %(result)s::jsonb, t.attempt, %(position)s, %(fingerprint)s FROM agent_tasks t
WHERE t.id = %(task_id)s AND t.run_token = %(run_token)s
FOR NO KEY UPDATE
ON CONFLICT (task_id, name, seq) DO UPDATE SET result = agent_steps.result
RETURNING seq
