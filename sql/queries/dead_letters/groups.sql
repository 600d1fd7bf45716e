-- Failed tasks by what went wrong, those first that failed last; among the newest %(look)s (NULL = all). Equal
-- messages are put together before their pattern is asked for: that costs 40 us, and most failures repeat a
-- few messages.
WITH messages AS MATERIALIZED (
    SELECT t.error_message, t.agent_id, count(*) AS tasks, min(t.finished_at) AS first_seen,
           max(t.finished_at) AS last_seen, (array_agg(t.id ORDER BY t.finished_at DESC))[1] AS last_id
    FROM (SELECT * FROM agent_tasks f WHERE f.status = 'failed' ORDER BY f.id DESC LIMIT %(look)s::integer) t
    LEFT JOIN ai_agents a ON a.id = t.agent_id
    WHERE (%(agent_id)s::uuid IS NULL OR t.agent_id = %(agent_id)s::uuid)
      AND (%(type)s::text IS NULL OR %(type)s::text IN (t.task_type, a.agent_type))
      AND (%(org_id)s::uuid IS NULL OR coalesce(t.org_id, a.org_id) = %(org_id)s::uuid)
      AND (%(error)s::text IS NULL OR strpos(lower(t.error_message), lower(%(error)s::text)) > 0)
      AND (%(since)s::timestamptz IS NULL OR t.finished_at >= %(since)s::timestamptz)
    GROUP BY t.error_message, t.agent_id
), patterns AS (
    SELECT m.*, p.error_pattern, to_hex(hashtextextended(p.error_pattern, 0)) AS fingerprint
    FROM messages m CROSS JOIN LATERAL (SELECT error_pattern(m.error_message) OFFSET 0) AS p (error_pattern)
)
SELECT p.fingerprint, p.error_pattern, sum(p.tasks)::integer AS tasks, min(p.first_seen) AS first_seen,
       max(p.last_seen) AS last_seen, (array_agg(p.last_id ORDER BY p.last_seen DESC))[1] AS last_id,
       (array_agg(p.error_message ORDER BY p.last_seen DESC))[1] AS last_error,
       array_agg(DISTINCT coalesce(a.name, a.agent_type, p.agent_id::text, 'no agent')) AS agents,
       extract(epoch FROM oppspot_now() - min(p.first_seen))::float8 AS first_seen_s,
       extract(epoch FROM oppspot_now() - max(p.last_seen))::float8 AS last_seen_s
FROM patterns p LEFT JOIN ai_agents a ON a.id = p.agent_id
WHERE %(fingerprint)s::text IS NULL OR p.fingerprint = %(fingerprint)s::text
GROUP BY p.fingerprint, p.error_pattern
ORDER BY max(p.last_seen) DESC NULLS LAST, p.fingerprint
