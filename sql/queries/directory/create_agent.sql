-- Columns that are not given keep the table's defaults, which adopted tables have as well.
INSERT INTO ai_agents (name, agent_type, description, configuration, is_active, schedule_cron, schedule_timezone,
                       org_id, parent_id)
VALUES (%(name)s, %(agent_type)s, %(description)s, %(configuration)s::jsonb, %(is_active)s, %(schedule_cron)s,
        %(schedule_timezone)s, %(org_id)s,
        CASE WHEN %(parent)s::text IS NOT NULL THEN find_agent(%(parent)s::text, %(org_id)s::uuid) END)
RETURNING id
