-- An agent is assigned to a stream once: what is there is changed, and what is not given stays.
WITH changed AS (
    UPDATE stream_agent_assignments SET
        assignment_role = coalesce(%(assignment_role)s, assignment_role),
        execution_order = coalesce(%(execution_order)s, execution_order),
        is_active = coalesce(%(is_active)s, is_active),
        auto_execute = coalesce(%(auto_execute)s, auto_execute),
        execution_frequency = coalesce(%(execution_frequency)s, execution_frequency),
        schedule_options = coalesce(%(schedule_options)s::jsonb, schedule_options),
        depends_on_agent_ids = coalesce(%(depends_on)s::uuid[], depends_on_agent_ids)
    WHERE stream_id = %(stream_id)s AND agent_id = %(agent_id)s
    RETURNING id
), made AS (
    INSERT INTO stream_agent_assignments (stream_id, agent_id, assignment_role, execution_order, is_active,
                                          auto_execute, execution_frequency, schedule_options,
                                          depends_on_agent_ids)
    SELECT %(stream_id)s, %(agent_id)s, %(assignment_role)s, %(execution_order)s, coalesce(%(is_active)s, true),
           coalesce(%(auto_execute)s, true), %(execution_frequency)s, %(schedule_options)s::jsonb,
           coalesce(%(depends_on)s::uuid[], '{}')
    WHERE NOT EXISTS (SELECT FROM changed)
    RETURNING id
)
SELECT id FROM changed UNION ALL SELECT id FROM made
