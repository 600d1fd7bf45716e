-- Whether something here has that name. A pause may come before what it is for, or be misspelt.
-- Asked after the pause was written, so that it holds at once, however many tasks wait; each look
-- at tasks has the condition of a partial index, so none reads history.
SELECT CASE %(scope)s::text
    WHEN 'agent' THEN EXISTS (SELECT FROM ai_agents a WHERE a.id::text = %(key)s::text)
    WHEN 'org' THEN EXISTS (SELECT FROM organizations o WHERE o.id::text = %(key)s::text)
    ELSE EXISTS (SELECT FROM ai_agents a WHERE %(key)s::text IN (a.agent_type, coalesce(a.configuration ->> 'task_type', 'agent_execution')))
      OR EXISTS (SELECT FROM agent_tasks t WHERE t.status = 'processing' AND t.task_type = %(key)s::text)
      OR EXISTS (SELECT FROM agent_tasks t WHERE t.status = 'pending' AND NOT t.parked AND t.task_type = %(key)s::text)
      OR EXISTS (SELECT FROM agent_tasks t WHERE t.status = 'pending' AND t.parked AND t.task_type = %(key)s::text)
    END AS known
