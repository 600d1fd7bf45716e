-- Messages whose delivery failed, once or for good; the oldest first.
SELECT u.rule, u.event, u.channel, u.count, u.first_at, u.task_id, u.status, u.retry_count, u.error_message
FROM undelivered_notifications u WHERE u.status = 'failed' OR (u.status <> 'cancelled' AND u.retry_count > 0)
ORDER BY u.first_at LIMIT 100
