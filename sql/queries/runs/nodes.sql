-- The graph as the run keeps it, in the order in which its agents may start.
SELECT n.agent_id, a.name AS agent_name, a.agent_type, n.level, n.status, n.open_dependencies, n.task_id,
       t.status AS task_status, t.progress::text AS progress, coalesce(t.error_message, n.reason) AS error_message,
       t.cancel_requested_at IS NOT NULL AS cancel_requested, n.approve_by, n.finished_at,
       extract(epoch FROM nullif(t.scheduled_for, '9999-01-01Z') - oppspot_now())::float8 AS due_in_s,
       w.waits_for, w.since AS waits_since, w.due_at AS wait_until,
       ARRAY(SELECT coalesce(d.name, x.id::text) FROM unnest(n.depends_on) AS x (id)
             LEFT JOIN ai_agents d ON d.id = x.id ORDER BY 1) AS depends_on
FROM stream_run_nodes n
LEFT JOIN ai_agents a ON a.id = n.agent_id
LEFT JOIN agent_tasks t ON t.id = n.task_id
LEFT JOIN waiting_tasks w ON w.task_id = n.task_id
WHERE n.run_id = %(run_id)s
ORDER BY n.level, n.execution_order NULLS LAST, a.name, n.agent_id
