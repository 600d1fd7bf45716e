-- Failed tasks, the newest first, from where the last look ended: what fails meanwhile is not met, and
-- nothing is met twice.
SELECT d.id, d.agent_id, coalesce(d.agent_name, d.agent_type, d.task_type) AS agent_name, d.task_type, d.attempts,
       d.crash_count, d.failed_at, d.fingerprint, d.error_message, extract(epoch FROM d.age)::float8 AS age_s
FROM dead_letter_tasks d LEFT JOIN ai_agents a ON a.id = d.agent_id
WHERE (%(before)s::uuid IS NULL OR d.id < %(before)s::uuid)
  AND (%(agent_id)s::uuid IS NULL OR d.agent_id = %(agent_id)s::uuid)
  AND (%(type)s::text IS NULL OR %(type)s::text IN (d.task_type, d.agent_type))
  AND (%(org_id)s::uuid IS NULL OR coalesce(d.org_id, a.org_id) = %(org_id)s::uuid)
  AND (%(error)s::text IS NULL OR strpos(lower(d.error_message), lower(%(error)s::text)) > 0)
  AND (%(since)s::timestamptz IS NULL OR d.failed_at >= %(since)s::timestamptz)
  AND (%(fingerprint)s::text IS NULL OR d.fingerprint = %(fingerprint)s::text)
ORDER BY d.id DESC LIMIT %(limit)s
