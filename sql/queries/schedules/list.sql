-- Every schedule and how it stands, the next due one first; what is written wrong is on top.
SELECT s.id, s.agent_id, a.name AS agent_name, s.stream_id, g.name AS stream_name, s.expression, s.timezone,
       s.options::text AS options, s.is_active, s.paused_at, s.error, s.since, s.due_at, s.last_due_at, s.last_fired_at,
       s.last_task_id, oppspot_now() AS now
FROM schedules s JOIN ai_agents a ON a.id = s.agent_id LEFT JOIN streams g ON g.id = s.stream_id
WHERE %(agent_id)s::uuid IS NULL OR s.agent_id = %(agent_id)s::uuid
ORDER BY s.error IS NULL, s.due_at NULLS LAST, a.name, s.id
