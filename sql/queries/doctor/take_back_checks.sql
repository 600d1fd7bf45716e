-- What was not begun would wait for ever when its runner is gone.
UPDATE agent_tasks SET status = 'cancelled', cancel_reason = 'doctor waited long enough'
WHERE id = ANY (%(ids)s::uuid[]) AND status = 'pending'
