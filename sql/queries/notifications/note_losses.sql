-- Runners whose lease ran out, each once: nobody writes anything at the moment when it does. A rule that was made
-- later is not told.
WITH lost AS (
    UPDATE task_runners r SET is_loss_told = true
    WHERE r.lease_until <= oppspot_now() AND NOT r.is_loss_told
    RETURNING r.id, r.host, r.pid, r.lease_until
)
INSERT INTO notification_events (event, at, facts)
SELECT 'runner_lost', l.lease_until, jsonb_build_object('runner', l.id, 'host', l.host, 'pid', l.pid)
FROM lost l
WHERE EXISTS (SELECT FROM notification_rules r
              WHERE r.event = 'runner_lost' AND r.is_active AND r.created_at <= l.lease_until)
ORDER BY l.id
