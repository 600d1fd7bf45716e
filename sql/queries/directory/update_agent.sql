-- NULL leaves a column as it is; an empty text takes a description or a schedule away.
UPDATE ai_agents SET
    name = coalesce(%(name)s, name),
    agent_type = coalesce(%(agent_type)s, agent_type),
    description = CASE WHEN %(description)s::text IS NULL THEN description ELSE nullif(%(description)s::text, '') END,
    configuration = coalesce(%(configuration)s::jsonb, configuration),
    is_active = coalesce(%(is_active)s, is_active),
    schedule_cron = CASE WHEN %(schedule_cron)s::text IS NULL THEN schedule_cron ELSE nullif(%(schedule_cron)s::text, '') END,
    schedule_timezone = coalesce(%(schedule_timezone)s, schedule_timezone)
WHERE id = find_agent(%(agent)s::text)
RETURNING id
