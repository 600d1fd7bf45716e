-- Live runners, and those that died lately with tasks still in their name. `alone`: a task that was lost with
-- two runners is on, and holds all slots. Deliveries of notifications hold none, and do not count.
SELECT r.id, r.host, r.pid, r.version, r.protocol, r.state, r.desired, r.slots, r.task_types, r.labels, r.agent_types, r.wake, r.lag_ms, r.hanging, r.poll_s, r.lease_s,
       r.beat_s, r.started_at, extract(epoch FROM oppspot_now() - r.beat_at)::float8 AS heartbeat_age_s,
       r.lease_until > oppspot_now() AS alive,
       o.running, o.alone
FROM task_runners r
CROSS JOIN LATERAL (
    SELECT count(*)::integer AS running, coalesce(bool_or(t.crash_count >= 2), false) AS alone
    FROM agent_tasks t
    WHERE t.runner_id = r.id AND t.status = 'processing' AND t.task_type <> 'notification') o
WHERE r.lease_until > oppspot_now() OR o.running > 0
ORDER BY r.id
