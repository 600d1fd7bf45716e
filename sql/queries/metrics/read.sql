-- Gauges of the whole installation: name, values of the labels, number. Ready tasks are counted in their
-- indexes; all else looks at few rows, also where there are a million tasks.
WITH waiting AS MATERIALIZED (
    SELECT count(*) AS tasks FROM waiting_tasks
), due AS MATERIALIZED (
    -- The first of each lane and priority, as claims look for it; and the first whose time has come.
    SELECT split_part(w.task_type, ':', 1) AS type, q.since FROM open_lanes w CROSS JOIN generate_series(1, w.priority) AS p (priority)
    CROSS JOIN LATERAL (
        SELECT greatest(t.scheduled_for, t.created_at) AS since FROM agent_tasks t
        WHERE t.status = 'pending' AND NOT t.parked AND NOT t.blocked AND t.priority = p.priority
          AND task_lane(t.task_type, t.agent_id, t.org_id) = w.lane
        ORDER BY t.ready_seq LIMIT 1) q
    UNION ALL
    (SELECT split_part(t.task_type, ':', 1), t.scheduled_for FROM agent_tasks t
     WHERE t.status = 'pending' AND t.parked AND t.scheduled_for <= oppspot_now() ORDER BY t.scheduled_for LIMIT 1)
), fleet AS MATERIALIZED (
    SELECT r.id, r.slots, r.beat_at, r.lease_until > oppspot_now() AS alive, r.state, o.running
    FROM task_runners r
    CROSS JOIN LATERAL (SELECT count(*) AS running FROM agent_tasks t
                        WHERE t.runner_id = r.id AND t.status = 'processing' AND t.task_type <> 'notification') o
    WHERE r.lease_until > oppspot_now() OR o.running > 0
)
SELECT 'oppspot_queue_depth' AS metric, ARRAY[d.state] AS labels, d.tasks::float8 AS value
FROM (SELECT 'ready' AS state, (SELECT count(*) FROM agent_tasks WHERE status = 'pending' AND NOT parked AND NOT blocked) AS tasks
      UNION ALL SELECT 'blocked', (SELECT count(*) FROM agent_tasks WHERE status = 'pending' AND blocked AND NOT parked)
      UNION ALL SELECT 'scheduled', (SELECT count(*) FROM agent_tasks WHERE status = 'pending' AND parked) - (SELECT tasks FROM waiting)
      UNION ALL SELECT 'waiting', (SELECT tasks FROM waiting)
      UNION ALL SELECT 'processing', (SELECT count(*) FROM agent_tasks WHERE status = 'processing')) d
UNION ALL
(SELECT 'oppspot_oldest_pending_seconds', ARRAY[d.type], greatest(extract(epoch FROM oppspot_now() - min(d.since)), 0)
 FROM due d GROUP BY d.type ORDER BY min(d.since) LIMIT 50)
UNION ALL
(SELECT 'oppspot_wanted_slots', ARRAY[w.task_type, array_to_string(w.labels, ',')], w.slots FROM wanted_slots w ORDER BY w.slots DESC LIMIT 50)
UNION ALL
SELECT 'oppspot_dead_letters', '{}', (SELECT count(*) FROM agent_tasks WHERE status = 'failed')
UNION ALL
SELECT 'oppspot_runners', ARRAY[s.state], count(f.id)
FROM unnest('{running,paused,stopping,stopped,dead}'::text[]) AS s (state)
LEFT JOIN fleet f ON s.state = CASE WHEN f.alive THEN f.state ELSE 'dead' END GROUP BY s.state
UNION ALL
SELECT g.metric, '{}', g.value
FROM (SELECT coalesce(sum(slots), 0) AS slots, coalesce(sum(running), 0) AS running,
             coalesce(extract(epoch FROM oppspot_now() - min(beat_at)), 0) AS beat_age FROM fleet WHERE alive) f
CROSS JOIN LATERAL (VALUES ('oppspot_slots', f.slots), ('oppspot_running', f.running),
                           ('oppspot_heartbeat_age_seconds', f.beat_age)) g (metric, value)
UNION ALL
SELECT 'oppspot_schedule_lag_seconds', '{}', greatest(coalesce(extract(epoch FROM oppspot_now() - min(s.look_at)), 0), 0)
FROM schedules s WHERE s.is_active AND s.paused_at IS NULL AND s.error IS NULL
UNION ALL
SELECT 'oppspot_schedules', ARRAY[g.state], g.number
FROM (SELECT count(*) FILTER (WHERE error IS NULL AND is_active AND paused_at IS NULL) AS active,
             count(*) FILTER (WHERE error IS NULL AND NOT (is_active AND paused_at IS NULL)) AS resting,
             count(*) FILTER (WHERE error IS NOT NULL) AS failed FROM schedules) s
CROSS JOIN LATERAL (VALUES ('active', s.active), ('resting', s.resting), ('failed', s.failed)) g (state, number)
UNION ALL
SELECT 'oppspot_breaker_state', ARRAY[k.kind, s.state], count(b.kind)
FROM unnest('{agent,host}'::text[]) AS k (kind) CROSS JOIN unnest('{open,half-open}'::text[]) AS s (state)
LEFT JOIN (SELECT 'agent' AS kind, state FROM open_breakers UNION ALL SELECT 'host', state FROM open_host_breakers) b
       ON b.kind = k.kind AND b.state = s.state
GROUP BY k.kind, s.state
UNION ALL
SELECT 'oppspot_budget_used_ratio', ARRAY[b.scope, b.period], max(coalesce((b.spent_usd + b.held_usd) / nullif(b.limit_usd, 0), 1))
FROM budget_balances b GROUP BY b.scope, b.period
UNION ALL
SELECT 'oppspot_pauses', '{}', (SELECT count(*) FROM task_pauses)
UNION ALL
SELECT 'oppspot_notifications_undelivered', '{}', (SELECT count(*) FROM undelivered_notifications WHERE status = 'failed')
