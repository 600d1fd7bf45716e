-- Messages to be sent now, with their rules.
SELECT n.id, n.rule_id, n.count, n.examples, n.shares, n.first_at, n.last_at,
       r.name, r.event, r.channel, r.target, r.secret
FROM notifications n JOIN notification_rules r ON r.id = n.rule_id
WHERE n.task_id IS NULL AND n.due_at <= oppspot_now() AND r.is_active
ORDER BY n.due_at LIMIT 100
