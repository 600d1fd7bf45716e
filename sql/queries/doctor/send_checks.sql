-- A health check for each live runner that takes tasks; only that one takes it.
INSERT INTO agent_tasks (task_type, priority, max_retries, requested_by)
SELECT 'health_check:' || r.id, 10, 0, 'doctor' FROM task_runners r
WHERE r.lease_until > oppspot_now() AND r.state = 'running'
ORDER BY r.id
RETURNING id
