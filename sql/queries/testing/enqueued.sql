-- Tasks that wait, of one agent or of all, in the order in which their times come and a runner takes them.
SELECT t.id FROM agent_tasks t LEFT JOIN ai_agents a ON a.id = t.agent_id
WHERE t.status = 'pending' AND (%(agent)s::text IS NULL OR %(agent)s IN (a.id::text, a.name, a.agent_type))
ORDER BY CASE WHEN t.parked THEN t.scheduled_for END NULLS FIRST, t.priority DESC, t.ready_seq
