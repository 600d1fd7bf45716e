-- Tasks that do this one again, the first one first.
SELECT t.id, t.status, t.created_at FROM agent_tasks t WHERE t.replay_of = %(task_id)s ORDER BY t.id
