-- Writes ticks, their tasks and how their schedules stand now. A due time that has a tick already starts
-- nothing. A tick of an assignment starts the task of its agent for the stream: its chain opens with it.
-- One in realtime takes along the new signals that its schedule has not been told yet, a hundred at most: for
-- the others it is called again. Where its condition does not hold for them it starts nothing.
WITH given AS MATERIALIZED (
    SELECT g.id, g.due_at, g.starts
    FROM unnest(%(tick_ids)s::uuid[], %(tick_dues)s::timestamptz[], %(tick_starts)s::boolean[]) AS g (id, due_at, starts)
), untold AS MATERIALIZED (
    SELECT s.id AS schedule_id, u.signal_id, u.place
    FROM given g JOIN schedules s ON s.id = g.id AND s.expression = 'realtime'
    CROSS JOIN LATERAL (
        SELECT h.signal_id, row_number() OVER (ORDER BY h.called_at, h.signal_id) AS place
        FROM schedule_signals h WHERE h.schedule_id = s.id ORDER BY h.called_at, h.signal_id LIMIT 101) u
    WHERE g.starts AND NOT EXISTS (SELECT FROM schedule_ticks k WHERE k.schedule_id = g.id AND k.due_at = g.due_at)
), taken AS (
    DELETE FROM schedule_signals h USING untold u
    WHERE h.schedule_id = u.schedule_id AND h.signal_id = u.signal_id AND u.place <= 100
), again AS (
    INSERT INTO schedule_calls (schedule_id) SELECT schedule_id FROM untold WHERE place = 101
), news AS MATERIALIZED (
    SELECT u.schedule_id, jsonb_build_object('new_signals', jsonb_agg(jsonb_build_object('id', b.id,
        'company_id', c.id, 'company', c.name, 'signal_type', b.signal_type, 'strength', b.strength,
        'confidence', b.confidence, 'title', b.title) ORDER BY u.place)) AS payload
    FROM untold u JOIN buying_signals b ON b.id = u.signal_id JOIN companies c ON c.id = b.company_id
    WHERE u.place <= 100 AND b.status IN ('active', 'acted_upon') GROUP BY u.schedule_id
), judged AS MATERIALIZED (
    SELECT g.id, g.due_at, coalesce(n.payload, '{}') AS payload,
           g.starts AND tick_starts(g.id, coalesce(n.payload, '{}')) AS starts
    FROM given g LEFT JOIN news n ON n.schedule_id = g.id
), ticked AS (
    INSERT INTO schedule_ticks (schedule_id, due_at, task_id)
    SELECT g.id, g.due_at, CASE WHEN g.starts THEN oppspot_uuid() END
    FROM judged g
    ON CONFLICT DO NOTHING
    RETURNING schedule_id, due_at, task_id
), started AS (
    INSERT INTO agent_tasks (id, agent_id, org_id, stream_id, task_type, payload, scheduled_for, requested_by)
    SELECT k.task_id, a.id, coalesce(a.org_id, g.org_id), s.stream_id,
           coalesce(nullif(a.configuration ->> 'task_type', ''), 'agent_execution'), j.payload,
           least(k.due_at, oppspot_now()), 'schedule'
    FROM ticked k JOIN judged j ON j.id = k.schedule_id AND j.due_at = k.due_at
    JOIN schedules s ON s.id = k.schedule_id JOIN ai_agents a ON a.id = s.agent_id
    LEFT JOIN streams g ON g.id = s.stream_id
    WHERE k.task_id IS NOT NULL ORDER BY k.due_at, k.schedule_id
), newest AS (
    SELECT DISTINCT ON (schedule_id) schedule_id, due_at FROM ticked ORDER BY schedule_id, due_at DESC
), begun AS (
    SELECT DISTINCT ON (schedule_id) schedule_id, task_id FROM ticked WHERE task_id IS NOT NULL
    ORDER BY schedule_id, due_at DESC
), stands AS (
    UPDATE schedules s SET
        since = u.since, due_at = u.due_at, look_at = u.look_at, error = u.error,
        last_due_at = coalesce(n.due_at, s.last_due_at),
        last_fired_at = CASE WHEN b.task_id IS NULL THEN s.last_fired_at ELSE oppspot_now() END,
        last_task_id = coalesce(b.task_id, s.last_task_id)
    FROM unnest(%(ids)s::uuid[], %(sinces)s::timestamptz[], %(dues)s::timestamptz[], %(looks)s::timestamptz[],
                %(errors)s::text[]) AS u (id, since, due_at, look_at, error)
    LEFT JOIN newest n ON n.schedule_id = u.id LEFT JOIN begun b ON b.schedule_id = u.id
    WHERE s.id = u.id
)
SELECT count(task_id) AS started FROM ticked
