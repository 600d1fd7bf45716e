-- Messages that still take in events.
SELECT n.rule_id, n.count, n.examples, n.shares, n.first_at, n.last_at FROM notifications n WHERE n.task_id IS NULL
