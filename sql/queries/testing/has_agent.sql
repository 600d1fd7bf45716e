-- Whether somebody made an agent that is called so, by its id, its name or its type.
SELECT EXISTS (SELECT FROM ai_agents a WHERE %(agent)s IN (a.id::text, a.name, a.agent_type)) AS found
