-- As browse finds them where nothing is asked for: the newest of all tasks. Asked more often than all
-- else, so it is a statement whose plan can be kept.
SELECT t.id::text AS id, true AS matches, false AS ends_look, t.status, t.priority, t.org_id::text AS org_id, t.agent_id::text AS agent_id, a.name AS agent_name, a.agent_type, t.task_type,
       t.stream_id::text AS stream_id, s.name AS stream_name, t.run_id::text AS run_id, t.parent_task_id::text AS parent_task_id, t.attempt, t.retry_count, t.max_retries,
       t.crash_count, t.progress::text AS progress, t.error_message, t.requested_by, t.unique_key, t.limit_key,
       t.runner_id, t.cancel_requested_at IS NOT NULL AS cancel_requested, t.created_at,
       nullif(t.scheduled_for, '9999-01-01Z') AS scheduled_for, t.started_at, t.finished_at,
       CASE WHEN t.status <> 'pending' THEN
           (extract(epoch FROM coalesce(t.finished_at, oppspot_now()) - t.started_at) * 1000)::bigint
       END AS duration_ms,
       w.waits_for, w.since AS waits_since, w.due_at AS wait_until
FROM agent_tasks t
LEFT JOIN ai_agents a ON a.id = t.agent_id
LEFT JOIN streams s ON s.id = t.stream_id
LEFT JOIN waiting_tasks w ON w.task_id = t.id
ORDER BY t.id DESC LIMIT {limit}
