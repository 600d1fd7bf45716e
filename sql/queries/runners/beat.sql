-- Renews the lease if it is still ours (no row: it is not) and learns in the same breath what people
-- ask of us and which tasks we still hold, in one look: what we ended lately stays in the index as long as
-- somebody holds an old snapshot. `crowd`: how many wait for the same tasks, at most 500.
-- A notification to ourselves tests a listener that heard nothing for so many heartbeats. All listeners of the fleet hear
-- it and pay for it, so of those that fall silent at once eight are drawn by lot; whoever still hears nothing a
-- heartbeat later sends one for sure. The fleet is counted only where lots are drawn.
UPDATE task_runners r SET
    beat_at = oppspot_now(), lease_until = oppspot_now() + make_interval(secs => r.lease_s),
    state = %(state)s, lag_ms = %(lag_ms)s, hanging = %(hanging)s
FROM (SELECT coalesce(array_agg(t.run_token), '{}') AS held,
             coalesce(array_agg(t.run_token) FILTER (WHERE t.cancel_requested_at IS NOT NULL), '{}') AS cancelled
      FROM agent_tasks t WHERE t.runner_id = %(runner_id)s AND t.status = 'processing') o
WHERE r.id = %(runner_id)s AND r.lease_until > oppspot_now()
RETURNING r.desired, o.held, o.cancelled,
          (SELECT count(*) FROM (
              SELECT FROM task_runners w WHERE w.waiting AND w.lease_until > oppspot_now()
              AND w.task_types IS NOT DISTINCT FROM r.task_types AND w.labels IS NOT DISTINCT FROM r.labels LIMIT 500) c) AS crowd,
          CASE WHEN %(silent_beats)s > 2.5 OR %(silent_beats)s > 1.5 AND 8 > random() * (
              SELECT count(*) FROM (SELECT FROM task_runners f WHERE f.wake = 'notify' AND f.lease_until > oppspot_now() LIMIT 1000) l)
          THEN pg_notify('oppspot_wake', current_schema() || '/' || r.id) END
