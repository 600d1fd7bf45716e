-- Renews the lease if it is still ours (no row: it is not) and learns in the same breath what people
-- ask of us and which tasks we still hold. The notification to ourselves tests the listener for free.
UPDATE task_runners r SET
    beat_at = oppspot_now(), lease_until = oppspot_now() + make_interval(secs => r.lease_s),
    state = %(state)s, lag_ms = %(lag_ms)s, hanging = %(hanging)s
WHERE r.id = %(runner_id)s AND r.lease_until > oppspot_now()
RETURNING r.desired,
    ARRAY(SELECT t.run_token FROM agent_tasks t WHERE t.runner_id = r.id AND t.status = 'processing') AS held,
    ARRAY(SELECT t.run_token FROM agent_tasks t WHERE t.runner_id = r.id AND t.status = 'processing'
          AND t.cancel_requested_at IS NOT NULL) AS cancelled,
    pg_notify('oppspot_wake', current_schema() || '/' || r.id)
