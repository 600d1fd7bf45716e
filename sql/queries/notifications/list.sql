-- Messages, the newest first, from the one after `before` on.
SELECT n.id, n.rule_id, r.name AS rule, r.event, r.channel, n.count, n.first_at, n.last_at, n.due_at, n.task_id, n.examples,
       CASE WHEN n.task_id IS NULL THEN CASE WHEN r.is_active THEN 'gathering' ELSE 'paused' END
            WHEN t.status = 'completed' THEN 'delivered'
            WHEN t.status = 'failed' THEN 'failed'
            WHEN t.status = 'cancelled' THEN 'cancelled'
            WHEN t.retry_count > 0 THEN 'retried'
            ELSE 'sending' END AS state,
       t.retry_count, t.error_message AS error
FROM notifications n JOIN notification_rules r ON r.id = n.rule_id LEFT JOIN agent_tasks t ON t.id = n.task_id
WHERE n.id < coalesce(%(before)s::uuid, 'ffffffff-ffff-ffff-ffff-ffffffffffff')
  AND (%(rule_id)s::uuid IS NULL OR n.rule_id = %(rule_id)s::uuid)
ORDER BY n.id DESC LIMIT %(limit)s
