-- When the next thing happens by itself. `at`: a task is due, a schedule fires or was called. `poll_at`: something is due
-- that runners see when they poll: an approval runs out, a message is to be sent. `blocked`: a task is out of line
-- for the limit of its key, which no time is known for.
SELECT least(
           (SELECT min(scheduled_for) FROM agent_tasks WHERE status = 'pending' AND parked),
           (SELECT min(look_at) FROM schedules WHERE is_active AND paused_at IS NULL AND error IS NULL),
           (SELECT oppspot_now() FROM schedule_calls LIMIT 1)) AS at,
       least(
           (SELECT min(approve_by) FROM stream_run_nodes WHERE status = 'awaiting_approval'),
           (SELECT min(n.due_at) FROM notifications n JOIN notification_rules r ON r.id = n.rule_id
            WHERE n.task_id IS NULL AND r.is_active)) AS poll_at,
       EXISTS (SELECT FROM agent_tasks WHERE status = 'pending' AND blocked) AS blocked
