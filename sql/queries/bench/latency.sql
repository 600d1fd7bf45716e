-- From the INSERT to the claim, of tasks that came one by one to an idle runner.
SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY w.ms) AS p50_ms, percentile_cont(0.99) WITHIN GROUP (ORDER BY w.ms) AS p99_ms
FROM (SELECT extract(epoch FROM started_at - created_at)::float8 * 1000 AS ms FROM agent_tasks
      WHERE requested_by = 'latency' AND started_at IS NOT NULL) w
