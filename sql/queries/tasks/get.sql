-- A task with the output of its last completed attempt; due in the year 9999 is at no time. JSON travels as text: a value that Python
-- refuses to read is shown as such, and the rest of the task is still seen.
SELECT t.id, t.status, t.agent_id, a.name AS agent_name, a.agent_type, t.org_id, t.stream_id, t.run_id, t.task_type,
       t.priority, t.payload::text AS payload, t.progress::text AS progress, t.error_message, t.attempt, t.retry_count, t.max_retries, t.crash_count,
       t.unique_key, t.limit_key, t.requested_by, t.replay_of, t.parent_task_id, t.cancel_requested_at, t.cancel_reason, t.runner_id, t.created_at,
       nullif(t.scheduled_for, '9999-01-01Z') AS scheduled_for, t.started_at, t.finished_at,
       w.waits_for, w.since AS waits_since, w.due_at AS wait_until, t.status = 'pending' AND t.parked AND backs_off(t) AS backs_off,
       CASE WHEN t.status = 'completed' THEN (
           SELECT e.output_data::text FROM agent_executions e
           WHERE e.task_id = t.id AND e.status = 'completed' ORDER BY e.attempt DESC LIMIT 1) END AS output
FROM agent_tasks t LEFT JOIN ai_agents a ON a.id = t.agent_id LEFT JOIN waiting_tasks w ON w.task_id = t.id
WHERE t.id = %(task_id)s
