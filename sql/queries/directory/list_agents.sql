-- Agents as people configured them; how they fare is in the view agent_performance.
SELECT a.id, a.name, a.agent_type, coalesce(a.is_active, true) AS is_active, a.schedule_cron, a.schedule_timezone,
       a.description, a.configuration::text AS configuration, a.org_id, a.parent_id, a.created_at
FROM ai_agents a
WHERE (%(agent_type)s::text IS NULL OR a.agent_type = %(agent_type)s::text)
  AND (%(org_id)s::uuid IS NULL OR a.org_id = %(org_id)s::uuid)
ORDER BY a.name NULLS LAST, a.id
