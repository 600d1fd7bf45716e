-- The last due times of schedules and what became of each, the oldest first.
SELECT s.id AS schedule_id, k.due_at, k.fired_at, k.task_id, t.status, t.error_message,
       extract(epoch FROM t.finished_at - k.fired_at)::float8 AS seconds
FROM schedules s
CROSS JOIN LATERAL (SELECT * FROM schedule_ticks x WHERE x.schedule_id = s.id ORDER BY x.due_at DESC LIMIT %(most)s) k
LEFT JOIN agent_tasks t ON t.id = k.task_id
WHERE s.id = ANY (%(ids)s::uuid[])
ORDER BY s.id, k.due_at
