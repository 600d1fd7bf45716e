-- A row of history for a task that waits: its first attempt takes it over, so its id can be told at once.
WITH promised AS (
    INSERT INTO agent_executions (task_id, attempt, agent_id, org_id, stream_id, status)
    SELECT t.id, t.attempt + 1, t.agent_id, t.org_id, t.stream_id, 'queued' FROM agent_tasks t WHERE t.id = %(task_id)s
    RETURNING id, task_id, status, created_at
), noted AS (
    UPDATE agent_tasks t SET execution_id = p.id FROM promised p WHERE t.id = p.task_id
)
SELECT id, status, created_at FROM promised
