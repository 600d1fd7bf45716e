-- A dependency that is not in the stream would count as met: whoever named it meant something else.
SELECT coalesce(a.name, x.agent_id::text) AS agent, coalesce(n.name, d.id::text) AS needed
FROM stream_agent_assignments x
CROSS JOIN LATERAL unnest(x.depends_on_agent_ids) AS d (id)
LEFT JOIN ai_agents a ON a.id = x.agent_id
LEFT JOIN ai_agents n ON n.id = d.id
WHERE x.stream_id = %(stream_id)s AND x.agent_id = ANY (%(agent_ids)s::uuid[])
  AND NOT EXISTS (SELECT FROM stream_agent_assignments o WHERE o.stream_id = x.stream_id AND o.agent_id = d.id)
ORDER BY 1, 2 LIMIT 1
