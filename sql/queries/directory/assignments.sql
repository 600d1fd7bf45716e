-- Who works for a stream, and after whom.
SELECT x.id, x.agent_id, a.name AS agent_name, a.agent_type, x.assignment_role, x.execution_order,
       coalesce(x.is_active, true) AS is_active, coalesce(x.auto_execute, true) AS auto_execute,
       x.execution_frequency, coalesce(x.depends_on_agent_ids, '{}') AS depends_on_agent_ids,
       ARRAY(SELECT coalesce(n.name, d.id::text) FROM unnest(x.depends_on_agent_ids) WITH ORDINALITY AS d (id, place)
             LEFT JOIN ai_agents n ON n.id = d.id ORDER BY d.place) AS depends_on,
       coalesce(a.is_active, true) AS agent_is_active,
       x.condition::text AS condition, x.on_failure, x.requires_approval,
       x.approval_timeout::text AS approval_timeout, x.max_parallel, x.schedule_options,
       coalesce(x.total_executions, 0) AS total_executions, x.last_executed_at
FROM stream_agent_assignments x LEFT JOIN ai_agents a ON a.id = x.agent_id
WHERE x.stream_id = %(stream_id)s
ORDER BY x.execution_order NULLS LAST, a.name, x.id
