-- The streams that an agent works for, and after whom.
SELECT x.id, x.stream_id, s.name AS stream_name, x.assignment_role, coalesce(x.is_active, true) AS is_active,
       coalesce(x.auto_execute, true) AS auto_execute, x.execution_frequency, x.condition::text AS condition, x.on_failure,
       x.requires_approval, x.approval_timeout::text AS approval_timeout, x.max_parallel, x.schedule_options,
       coalesce(x.total_executions, 0) AS total_executions, x.last_executed_at,
       ARRAY(SELECT coalesce(n.name, d.id::text) FROM unnest(x.depends_on_agent_ids) AS d (id)
             LEFT JOIN ai_agents n ON n.id = d.id ORDER BY 1) AS depends_on
FROM stream_agent_assignments x JOIN streams s ON s.id = x.stream_id
WHERE x.agent_id = %(agent_id)s
ORDER BY s.name, x.id
