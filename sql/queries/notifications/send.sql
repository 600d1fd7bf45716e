-- Hands a message to a task of its own. It takes in nothing more: the next event begins another one.
WITH task AS (
    INSERT INTO agent_tasks (task_type, payload, requested_by)
    VALUES ('notification', %(payload)s::jsonb, 'notifications') RETURNING id
), handed AS (
    UPDATE notifications n SET task_id = t.id FROM task t WHERE n.id = %(id)s
)
UPDATE notification_rules r SET last_due_at = oppspot_now() WHERE r.id = %(rule_id)s
