-- Failed tasks, the newest first, from where the last look ended: what fails meanwhile is not met, and
-- nothing is met twice. Of no more than %(look)s tasks (NULL = of all) it is found out whether they match; the
-- last of these comes along if it does not, so that the next look can go on after it.
SELECT d.id, d.matches, d.ends_look, d.agent_id, coalesce(d.agent_name, d.agent_type, d.task_type) AS agent_name, d.task_type, d.attempts,
       d.crash_count, d.failed_at, d.fingerprint, d.error_message, extract(epoch FROM d.age)::float8 AS age_s
FROM (
    SELECT l.*, l.place IS NOT DISTINCT FROM %(look)s::integer AS ends_look,
           (%(agent_id)s::uuid IS NULL OR l.agent_id = %(agent_id)s::uuid)
           AND (%(type)s::text IS NULL OR %(type)s::text IN (l.task_type, l.agent_type))
           AND (%(org_id)s::uuid IS NULL OR coalesce(l.org_id, l.agent_org_id) = %(org_id)s::uuid)
           AND (%(error)s::text IS NULL OR strpos(lower(l.error_message), lower(%(error)s::text)) > 0)
           AND (%(since)s::timestamptz IS NULL OR l.failed_at >= %(since)s::timestamptz)
           AND (%(fingerprint)s::text IS NULL OR l.fingerprint = %(fingerprint)s::text) AS matches
    FROM (
        SELECT d.*, a.org_id AS agent_org_id, row_number() OVER (ORDER BY d.id DESC) AS place
        FROM dead_letter_tasks d LEFT JOIN ai_agents a ON a.id = d.agent_id
        WHERE (%(before)s::uuid IS NULL OR d.id < %(before)s::uuid)
        ORDER BY d.id DESC LIMIT %(look)s::integer) l
) d
WHERE d.matches OR d.ends_look
ORDER BY d.id DESC LIMIT %(limit)s
