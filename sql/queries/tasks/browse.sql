-- Tasks that match, the newest first by id. At most %(look)s rows are looked at, whatever is asked: of those that
-- an index finds (a run, a parent, an id, a runner, failed ones), else of all. The last one of them comes
-- along if it does not match, so that the next page can go on after it; without it all was looked at.
SELECT t.id::text AS id, t.matches, t.ends_look, t.status, t.priority, t.org_id::text AS org_id, t.agent_id::text AS agent_id, a.name AS agent_name, a.agent_type, t.task_type,
       t.stream_id::text AS stream_id, s.name AS stream_name, t.run_id::text AS run_id, t.parent_task_id::text AS parent_task_id, t.attempt, t.retry_count, t.max_retries,
       t.crash_count, t.progress::text AS progress, t.error_message, t.requested_by, t.unique_key, t.limit_key,
       t.runner_id, t.cancel_requested_at IS NOT NULL AS cancel_requested, t.created_at,
       nullif(t.scheduled_for, '9999-01-01Z') AS scheduled_for, t.started_at, t.finished_at,
       CASE WHEN t.status <> 'pending' THEN
           (extract(epoch FROM coalesce(t.finished_at, oppspot_now()) - t.started_at) * 1000)::bigint
       END AS duration_ms,
       w.waits_for, w.since AS waits_since, w.due_at AS wait_until
FROM (
    SELECT * FROM (
        SELECT l.*, l.place = %(look)s::integer AS ends_look, (%(statuses)s::text[] IS NULL OR l.status = ANY (%(statuses)s::text[]))
            AND (%(task_type)s::text IS NULL OR l.task_type = %(task_type)s::text)
            AND (%(agents)s::uuid[] IS NULL OR l.agent_id = ANY (%(agents)s::uuid[]))
            AND (%(stream_id)s::uuid IS NULL OR l.stream_id = %(stream_id)s::uuid)
            AND (%(limit_key)s::text IS NULL OR l.limit_key = %(limit_key)s::text)
            AND (%(requested_by)s::text IS NULL OR l.requested_by = %(requested_by)s::text)
            AND (%(created_after)s::timestamptz IS NULL OR l.created_at >= %(created_after)s::timestamptz)
            AND (%(created_before)s::timestamptz IS NULL OR l.created_at < %(created_before)s::timestamptz)
            AND (%(finished_after)s::timestamptz IS NULL OR l.finished_at >= %(finished_after)s::timestamptz)
            AND (%(finished_before)s::timestamptz IS NULL OR l.finished_at < %(finished_before)s::timestamptz)
            AND (%(text)s::text IS NULL OR l.agent_id = ANY (%(named)s::uuid[])
                 OR strpos(lower(l.error_message), %(text)s::text) > 0
                 OR (pg_column_size(l.payload) <= %(most_payload)s::integer
                     AND strpos(lower(l.payload::text), %(text)s::text) > 0 AND l.payload::text !~* %(secret)s::text)) AS matches
        FROM (
            SELECT t.*, row_number() OVER (ORDER BY t.id DESC) AS place FROM agent_tasks t
            WHERE (%(before)s::uuid IS NULL OR t.id < %(before)s::uuid)
              AND (%(low)s::uuid IS NULL OR t.id BETWEEN %(low)s::uuid AND %(high)s::uuid)
              AND (%(org_id)s::uuid IS NULL OR t.org_id = %(org_id)s::uuid)
              AND (%(run_id)s::uuid IS NULL OR t.run_id = %(run_id)s::uuid)
              AND (%(parent_id)s::uuid IS NULL OR t.parent_task_id = %(parent_id)s::uuid)
              AND (%(runner_id)s::bigint IS NULL OR (t.runner_id = %(runner_id)s::bigint AND t.status = 'processing'))
              AND (%(only)s::text IS NULL OR t.status = %(only)s::text)
            ORDER BY t.id DESC LIMIT %(look)s::integer) l
    ) l
    WHERE l.matches OR l.ends_look
    ORDER BY l.id DESC LIMIT %(limit)s::integer
) t
LEFT JOIN ai_agents a ON a.id = t.agent_id
LEFT JOIN streams s ON s.id = t.stream_id
LEFT JOIN waiting_tasks w ON w.task_id = t.id
ORDER BY t.id DESC
