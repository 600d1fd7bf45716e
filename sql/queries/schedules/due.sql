-- Schedules to deal with now, locked; the others of the fleet skip them. The agent is held too: the task
-- refers to it, and who deletes it would wait for us while we wait for him.
-- `is_on`: the newest run has not ended, for a stream with all that came after its first task.
-- `has_signals`: there are new signals that it has not been told.
SELECT s.id, s.expression, s.timezone, s.options::text AS options, s.since, s.due_at, s.look_at, oppspot_now() AS now,
       EXISTS (SELECT FROM agent_tasks t LEFT JOIN stream_runs r ON r.id = t.run_id
               WHERE t.id = s.last_task_id
                 AND (t.status IN ('pending', 'processing') OR r.status = 'running')) AS is_on,
       EXISTS (SELECT FROM agent_tasks t WHERE t.id = s.last_task_id AND t.status = 'pending') AS is_waiting,
       EXISTS (SELECT FROM schedule_signals h WHERE h.schedule_id = s.id) AS has_signals
FROM schedules s JOIN ai_agents a ON a.id = s.agent_id
WHERE s.look_at <= oppspot_now() AND s.is_active AND s.paused_at IS NULL AND s.error IS NULL
ORDER BY s.look_at LIMIT 500
FOR NO KEY UPDATE OF s SKIP LOCKED FOR KEY SHARE OF a SKIP LOCKED
