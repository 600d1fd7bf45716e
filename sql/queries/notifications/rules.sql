-- Rules, or one of them, with how their messages fare: how many events are gathered now, when they will be sent, and
-- what was not delivered.
SELECT r.id, r.name, r.org_id, r.event, r.filter, r.channel, r.target, r.secret, r.wait_s, r.repeat_s, r.is_active,
       r.last_due_at, r.created_at, coalesce(o.count, 0) AS gathered,
       CASE WHEN r.is_active THEN o.due_at END AS due_at,
       (SELECT count(*) FROM undelivered_notifications u WHERE u.rule_id = r.id)::integer AS undelivered
FROM notification_rules r LEFT JOIN notifications o ON o.rule_id = r.id AND o.task_id IS NULL
WHERE %(name)s::text IS NULL OR r.name = %(name)s::text OR r.id::text = %(name)s::text
ORDER BY r.name
