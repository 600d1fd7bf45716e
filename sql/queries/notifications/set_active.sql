-- Pauses a rule, or lets it go on.
UPDATE notification_rules r SET is_active = %(is_active)s WHERE r.name = %(name)s OR r.id::text = %(name)s RETURNING r.name
