-- What may not be claimed now, with the name of a paused agent.
SELECT p.scope, p.key, p.reason, p.paused_at, a.name AS agent_name
FROM task_pauses p LEFT JOIN ai_agents a ON p.scope = 'agent' AND a.id::text = p.key
ORDER BY p.scope, p.key
