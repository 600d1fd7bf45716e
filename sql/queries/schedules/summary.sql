-- For a line in `status`: how many there are, how many stopped by an error, and when the next one is due.
SELECT count(*) FILTER (WHERE is_active AND paused_at IS NULL AND error IS NULL) AS active,
       count(*) FILTER (WHERE error IS NOT NULL) AS failed, count(*) AS schedules,
       min(due_at) FILTER (WHERE is_active AND paused_at IS NULL AND error IS NULL) AS next_due_at
FROM schedules
