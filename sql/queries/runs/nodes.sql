-- The graph as the run keeps it, in the order in which its agents may start.
SELECT n.agent_id, a.name AS agent_name, a.agent_type, n.level, n.status, n.open_dependencies, n.task_id,
       t.status AS task_status, t.progress::text AS progress, coalesce(t.error_message, n.reason) AS error_message,
       n.approve_by, n.finished_at,
       (SELECT w.waits_for FROM waiting_tasks w WHERE w.task_id = n.task_id) AS waits_for,
       ARRAY(SELECT coalesce(d.name, x.id::text) FROM unnest(n.depends_on) AS x (id)
             LEFT JOIN ai_agents d ON d.id = x.id ORDER BY 1) AS depends_on
FROM stream_run_nodes n
LEFT JOIN ai_agents a ON a.id = n.agent_id
LEFT JOIN agent_tasks t ON t.id = n.task_id
WHERE n.run_id = %(run_id)s
ORDER BY n.level, n.execution_order NULLS LAST, a.name, n.agent_id
