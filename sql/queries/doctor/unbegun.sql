-- Bodies that no worker has begun for a while, at most 1,000 of them, by who carries them. Not those that none would
-- begin, because their attempt is over: their rows go with the next pruning.
SELECT h.backend, count(*) AS bodies
FROM (SELECT b.backend FROM task_handoffs b
      WHERE b.started_at IS NULL AND b.submitted_at < oppspot_now() - %(late_s)s * interval '1 second' AND EXISTS (
          SELECT FROM agent_tasks t
          WHERE t.id = ANY (b.task_id || b.companions) AND t.run_token = ANY (b.run_token || b.companion_tokens))
      LIMIT 1000) AS h
GROUP BY h.backend ORDER BY h.backend
