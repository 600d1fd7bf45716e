-- An agent is assigned to a stream once: what is there is changed, and what is not given stays. An empty
-- condition takes it away.
WITH changed AS (
    UPDATE stream_agent_assignments SET
        assignment_role = coalesce(%(assignment_role)s, assignment_role),
        execution_order = coalesce(%(execution_order)s, execution_order),
        is_active = coalesce(%(is_active)s, is_active),
        auto_execute = coalesce(%(auto_execute)s, auto_execute),
        execution_frequency = coalesce(%(execution_frequency)s, execution_frequency),
        schedule_options = coalesce(%(schedule_options)s::jsonb, schedule_options),
        depends_on_agent_ids = coalesce(%(depends_on)s::uuid[], depends_on_agent_ids),
        condition = CASE WHEN %(condition)s::text IS NULL THEN condition ELSE nullif(%(condition)s::text, '')::jsonpath END,
        on_failure = coalesce(%(on_failure)s, on_failure),
        requires_approval = coalesce(%(requires_approval)s, requires_approval),
        approval_timeout = coalesce(%(approval_timeout)s::interval, approval_timeout),
        max_parallel = coalesce(%(max_parallel)s, max_parallel)
    WHERE stream_id = %(stream_id)s AND agent_id = %(agent_id)s
    RETURNING id
), made AS (
    INSERT INTO stream_agent_assignments (stream_id, agent_id, assignment_role, execution_order, is_active,
                                          auto_execute, execution_frequency, schedule_options,
                                          depends_on_agent_ids, condition, on_failure, requires_approval,
                                          approval_timeout, max_parallel)
    SELECT %(stream_id)s, %(agent_id)s, %(assignment_role)s, %(execution_order)s, coalesce(%(is_active)s, true),
           coalesce(%(auto_execute)s, true), %(execution_frequency)s, %(schedule_options)s::jsonb,
           coalesce(%(depends_on)s::uuid[], '{}'), nullif(%(condition)s::text, '')::jsonpath,
           coalesce(%(on_failure)s, 'skip'), coalesce(%(requires_approval)s, false),
           %(approval_timeout)s::interval, %(max_parallel)s
    WHERE NOT EXISTS (SELECT FROM changed)
    RETURNING id
)
SELECT id FROM changed UNION ALL SELECT id FROM made
