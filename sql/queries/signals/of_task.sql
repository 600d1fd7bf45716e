-- The signals that came to count by a task, in whichever of its attempts.
SELECT s.id, s.company_id, c.name AS company_name, s.signal_type, s.strength, s.confidence, s.title, s.occurred_at
FROM buying_signals s JOIN companies c ON c.id = s.company_id
WHERE s.task_id = %(task_id)s AND s.status NOT IN ('unconfirmed', 'expired')
ORDER BY s.id
