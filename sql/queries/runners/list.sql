-- Live runners, and those that died lately with tasks still in their name.
SELECT r.id, r.host, r.pid, r.version, r.state, r.desired, r.slots, r.task_types, r.agent_types, r.wake, r.lag_ms, r.hanging, r.poll_s, r.lease_s,
       r.beat_s, r.started_at, extract(epoch FROM oppspot_now() - r.beat_at)::float8 AS heartbeat_age_s,
       r.lease_until > oppspot_now() AS alive,
       (SELECT count(*) FROM agent_tasks t WHERE t.runner_id = r.id AND t.status = 'processing')::integer AS running
FROM task_runners r
WHERE r.lease_until > oppspot_now()
   OR EXISTS (SELECT FROM agent_tasks t WHERE t.runner_id = r.id AND t.status = 'processing')
ORDER BY r.id
