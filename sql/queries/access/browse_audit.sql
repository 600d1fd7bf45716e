-- Changes for people to look through, the newest first, from the one after `before` on.
SELECT l.id, l.at, l.org_id, l.actor, l.address, l.action, l.kind, l.target, l.before, l.after
FROM audit_log l
WHERE l.id < coalesce(%(before)s::bigint, 9223372036854775807)
  AND (%(actor)s::text IS NULL OR l.actor = %(actor)s::text)
  AND (%(kind)s::text IS NULL OR l.kind = %(kind)s::text)
  AND (%(action)s::text IS NULL OR l.action = %(action)s::text)
  AND (%(target)s::text IS NULL OR l.target = %(target)s::text)
ORDER BY l.id DESC LIMIT %(limit)s
