-- Writes ticks, their tasks and how their schedules stand now. A due time that has a tick already starts
-- nothing. A tick of an assignment starts the task of its agent for the stream: its chain opens with it.
WITH ticked AS (
    INSERT INTO schedule_ticks (schedule_id, due_at, task_id)
    SELECT g.id, g.due_at, CASE WHEN g.starts THEN oppspot_uuid() END
    FROM unnest(%(tick_ids)s::uuid[], %(tick_dues)s::timestamptz[], %(tick_starts)s::boolean[]) AS g (id, due_at, starts)
    ON CONFLICT DO NOTHING
    RETURNING schedule_id, due_at, task_id
), started AS (
    INSERT INTO agent_tasks (id, agent_id, org_id, stream_id, task_type, scheduled_for, requested_by)
    SELECT k.task_id, a.id, coalesce(a.org_id, g.org_id), s.stream_id,
           coalesce(nullif(a.configuration ->> 'task_type', ''), 'agent_execution'),
           least(k.due_at, oppspot_now()), 'schedule'
    FROM ticked k JOIN schedules s ON s.id = k.schedule_id JOIN ai_agents a ON a.id = s.agent_id
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
