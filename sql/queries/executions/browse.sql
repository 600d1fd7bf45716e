-- Attempts that match, the newest first by id. At most %(look)s are looked at; the last one of them comes along if
-- it does not match, so that the next page can go on after it.
SELECT e.id, e.matches, e.ends_look, e.task_id, e.attempt, e.agent_id, a.name AS agent_name, a.agent_type, e.stream_id, e.org_id,
       e.status, e.created_at, e.started_at, e.completed_at, e.duration_ms, e.error_message,
       e.results_summary::text AS results_summary, e.metrics::text AS metrics, e.runner_id
FROM (
    SELECT * FROM (
        SELECT l.*, l.place = %(look)s::integer AS ends_look,
               (%(agent_id)s::uuid IS NULL OR l.agent_id = %(agent_id)s::uuid)
               AND (%(stream_id)s::uuid IS NULL OR l.stream_id = %(stream_id)s::uuid)
               AND (%(status)s::text IS NULL OR l.status = %(status)s::text) AS matches
        FROM (
            SELECT e.*, row_number() OVER (ORDER BY e.id DESC) AS place FROM agent_executions e
            WHERE (%(before)s::uuid IS NULL OR e.id < %(before)s::uuid)
              AND (%(task_id)s::uuid IS NULL OR e.task_id = %(task_id)s::uuid)
              AND (%(org_id)s::uuid IS NULL OR e.org_id = %(org_id)s::uuid)
            ORDER BY e.id DESC LIMIT %(look)s::integer) l
    ) l
    WHERE l.matches OR l.ends_look
    ORDER BY l.id DESC LIMIT %(limit)s::integer
) e LEFT JOIN ai_agents a ON a.id = e.agent_id
ORDER BY e.id DESC
