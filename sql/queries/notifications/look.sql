-- Asked at every poll, and cheap where there is nothing: whether something is to be gathered, seconds until the
-- next message is due, and whether a delivery is in line.
SELECT EXISTS (SELECT FROM notification_events) OR (
           EXISTS (SELECT FROM notification_rules r WHERE r.event = 'runner_lost' AND r.is_active)
           AND EXISTS (SELECT FROM task_runners r WHERE r.lease_until <= oppspot_now() AND NOT r.is_loss_told)) AS happened,
       (SELECT extract(epoch FROM min(n.due_at) - oppspot_now())::float8
        FROM notifications n JOIN notification_rules r ON r.id = n.rule_id
        WHERE n.task_id IS NULL AND r.is_active) AS due_s,
       EXISTS (SELECT FROM agent_tasks t
               WHERE t.status = 'pending' AND NOT t.parked AND NOT t.blocked
                 AND task_lane(t.task_type, t.agent_id, t.org_id) = task_lane('notification', NULL, NULL)) AS ready
