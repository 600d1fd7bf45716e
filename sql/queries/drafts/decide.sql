-- What somebody decided; the trigger refuses what cannot follow.
UPDATE drafts d SET status = %(status)s, decided_by = %(decided_by)s, reason = %(reason)s
WHERE d.id = %(draft_id)s
RETURNING d.id, d.status, d.decided_by, d.decided_at
