-- With what it has gathered. Deliveries that are on go on.
DELETE FROM notification_rules r WHERE r.name = %(name)s OR r.id::text = %(name)s RETURNING r.name
