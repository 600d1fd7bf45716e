-- Bodies that no worker has begun for a while, at most 1,000 of them, by who carries them.
SELECT h.backend, count(*) AS bodies
FROM (SELECT backend FROM task_handoffs
      WHERE started_at IS NULL AND submitted_at < oppspot_now() - %(late_s)s * interval '1 second' LIMIT 1000) AS h
GROUP BY h.backend ORDER BY h.backend
