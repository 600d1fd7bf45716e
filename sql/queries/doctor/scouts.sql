-- Scouts that may run, with what they are told to look for.
SELECT a.id, coalesce(a.name, a.id::text) AS name, a.configuration
FROM ai_agents a WHERE a.agent_type = 'scout_agent' AND coalesce(a.is_active, true)
ORDER BY name, a.id
