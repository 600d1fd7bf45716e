-- Ids of the agents that a filter means, and of those with a text in their names.
SELECT ARRAY(SELECT a.id FROM ai_agents a
             WHERE (%(agent_id)s::uuid IS NULL OR a.id = %(agent_id)s::uuid)
               AND (%(agent_type)s::text IS NULL OR a.agent_type = %(agent_type)s::text)) AS meant,
       ARRAY(SELECT a.id FROM ai_agents a WHERE strpos(lower(a.name), %(text)s::text) > 0) AS named
