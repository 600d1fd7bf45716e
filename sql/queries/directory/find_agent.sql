-- By id, name or type; what does not exist or is ambiguous is refused by the function.
SELECT a.id, a.name, a.org_id, a.agent_type FROM ai_agents a WHERE a.id = find_agent(%(agent)s::text, %(org_id)s::uuid)
