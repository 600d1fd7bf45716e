-- A new rule, if its name is free; CHECKs refuse what could tell nobody, and secrets.
INSERT INTO notification_rules (org_id, name, event, filter, channel, target, secret, wait_s, repeat_s)
VALUES (%(org_id)s, %(name)s, %(event)s, %(filter)s::jsonb, %(channel)s, %(target)s, %(secret)s, %(wait_s)s, %(repeat_s)s)
ON CONFLICT (name) DO NOTHING RETURNING id
