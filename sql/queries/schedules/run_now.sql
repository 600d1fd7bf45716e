-- Starts what a tick would start, beside the due times, and whatever overlaps: somebody wants it. It counts as
-- the newest run.
WITH held AS (
    SELECT s.id, s.agent_id, s.stream_id FROM schedules s WHERE s.id = %(id)s FOR NO KEY UPDATE
), started AS (
    INSERT INTO agent_tasks (agent_id, org_id, stream_id, task_type, requested_by)
    SELECT a.id, coalesce(a.org_id, g.org_id), h.stream_id,
           coalesce(nullif(a.configuration ->> 'task_type', ''), 'agent_execution'), 'schedule run-now'
    FROM held h JOIN ai_agents a ON a.id = h.agent_id LEFT JOIN streams g ON g.id = h.stream_id
    RETURNING id
)
UPDATE schedules s SET last_fired_at = oppspot_now(), last_task_id = t.id
FROM started t WHERE s.id = %(id)s
RETURNING t.id AS task_id
