-- Schedules that stopped by an error, and those that are due for long without anybody dealing with them.
SELECT s.id, a.name AS agent_name, s.agent_id, coalesce(g.name, s.stream_id::text) AS stream_name, s.expression,
       s.timezone, s.options::text AS options, s.error,
       extract(epoch FROM oppspot_now() - s.look_at)::float8 AS late_s
FROM schedules s JOIN ai_agents a ON a.id = s.agent_id LEFT JOIN streams g ON g.id = s.stream_id
WHERE s.is_active AND s.paused_at IS NULL
  AND (s.error IS NOT NULL OR s.look_at < oppspot_now() - make_interval(secs => %(late_s)s))
ORDER BY s.error IS NULL, s.look_at LIMIT 5
