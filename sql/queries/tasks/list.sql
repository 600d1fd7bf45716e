-- Newest first by id, which begins with the time; no index more for people who look.
SELECT t.id, t.status, t.priority, t.agent_id, a.name AS agent_name, a.agent_type, t.task_type, t.stream_id, t.run_id,
       t.attempt, t.retry_count, t.max_retries, t.progress::text AS progress, t.error_message, t.requested_by,
       t.unique_key, t.limit_key, t.cancel_requested_at IS NOT NULL AS cancel_requested, t.created_at,
       nullif(t.scheduled_for, '9999-01-01Z') AS scheduled_for, t.started_at, t.finished_at,
       extract(epoch FROM oppspot_now() - t.created_at)::float8 AS age_s,
       extract(epoch FROM nullif(t.scheduled_for, '9999-01-01Z') - oppspot_now())::float8 AS due_in_s,
       w.waits_for, w.since AS waits_since, w.due_at AS wait_until
FROM agent_tasks t LEFT JOIN ai_agents a ON a.id = t.agent_id LEFT JOIN waiting_tasks w ON w.task_id = t.id
WHERE (%(statuses)s::text[] IS NULL OR t.status = ANY (%(statuses)s::text[]))
  AND (%(agent_id)s::uuid IS NULL OR t.agent_id = %(agent_id)s::uuid)
  AND (%(stream_id)s::uuid IS NULL OR t.stream_id = %(stream_id)s::uuid)
  AND (%(run_id)s::uuid IS NULL OR t.run_id = %(run_id)s::uuid)
  AND (%(parent_id)s::uuid IS NULL OR t.parent_task_id = %(parent_id)s::uuid)
  AND (%(limit_key)s::text IS NULL OR t.limit_key = %(limit_key)s::text)
ORDER BY t.id DESC LIMIT %(limit)s
