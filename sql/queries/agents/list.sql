-- A page of agents by name; the cursor is the name and the id of the last one that was seen.
SELECT a.id, a.org_id, a.name, a.agent_type, a.description, a.configuration::text AS configuration,
       coalesce(a.is_active, true) AS is_active, a.schedule_cron, a.schedule_timezone, a.parent_id, a.created_at,
       EXISTS (SELECT FROM agent_keys k WHERE k.agent_id = a.id) AS api_key_stored, coalesce(a.name, '') AS sorted_by
FROM ai_agents a
WHERE (%(id)s::uuid IS NULL OR a.id = %(id)s::uuid)
  AND (%(agent_type)s::text IS NULL OR a.agent_type = %(agent_type)s::text)
  AND (%(is_active)s::boolean IS NULL OR coalesce(a.is_active, true) = %(is_active)s::boolean)
  AND (%(after_name)s::text IS NULL OR (coalesce(a.name, ''), a.id) > (%(after_name)s::text, %(after_id)s::uuid))
ORDER BY coalesce(a.name, ''), a.id LIMIT %(limit)s
