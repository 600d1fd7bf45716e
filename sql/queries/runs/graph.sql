-- The graph of a run with all that is known of its agents and their attempts, in the order in which they may start.
SELECT n.agent_id, a.name AS agent_name, a.agent_type, n.level, n.status, n.depends_on, n.open_dependencies,
       n.condition::text AS condition, n.on_failure, n.requires_approval, n.approval_timeout::text AS approval_timeout,
       n.approve_by, n.task_id, t.status AS task_status, t.retry_count, t.max_retries, t.progress::text AS progress,
       coalesce(t.error_message, n.reason) AS error, t.cancel_requested_at IS NOT NULL AS cancel_requested,
       coalesce(t.finished_at, n.finished_at) AS finished_at,
       CASE WHEN t.status = 'pending' THEN nullif(t.scheduled_for, '9999-01-01Z') END AS due_at,
       w.waits_for, w.due_at AS wait_until,
       (SELECT coalesce(jsonb_agg(jsonb_build_object('attempt', e.attempt, 'status', e.status, 'started_at', e.started_at,
            'finished_at', e.completed_at, 'error', left(e.error_message, 500)) ORDER BY e.attempt NULLS FIRST, e.id), '[]')
        FROM (SELECT * FROM agent_executions x WHERE x.task_id = n.task_id AND x.status <> 'queued'
              ORDER BY x.attempt DESC NULLS LAST LIMIT 20) e) AS attempts
FROM stream_run_nodes n
LEFT JOIN ai_agents a ON a.id = n.agent_id
LEFT JOIN agent_tasks t ON t.id = n.task_id
LEFT JOIN waiting_tasks w ON w.task_id = n.task_id
WHERE n.run_id = %(run_id)s
ORDER BY n.level, n.execution_order NULLS LAST, a.name, n.agent_id
