-- The lane that the agent's row names wins over that of its code.
SELECT coalesce(nullif(a.configuration ->> 'task_type', ''), %(usual)s::text) AS task_type
FROM ai_agents a WHERE a.id = find_agent(%(agent)s::text, %(org_id)s::uuid)
