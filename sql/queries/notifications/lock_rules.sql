-- Those who gather take turns here. What has changed meanwhile is seen by the statements after it.
SELECT r.id, r.org_id, r.event, r.filter FROM notification_rules r WHERE r.is_active ORDER BY r.id FOR NO KEY UPDATE
