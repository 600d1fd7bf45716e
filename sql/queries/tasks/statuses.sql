-- How these tasks stand.
SELECT t.id, t.status FROM agent_tasks t WHERE t.id = ANY (%(ids)s::uuid[]) ORDER BY t.id
