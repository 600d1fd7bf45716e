-- Adds who is not to be approached; whether it is new.
INSERT INTO suppressions (org_id, kind, value, reason, created_by)
VALUES (%(org_id)s::uuid, %(kind)s, %(value)s, %(reason)s, %(by)s)
ON CONFLICT DO NOTHING
RETURNING id
