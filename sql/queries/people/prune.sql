-- People whom no register has named for long and who are no contact, with their offices; and contacts that nobody has
-- supplied again, nor spoken to.
WITH old_contact AS (
    DELETE FROM contacts WHERE id IN (
        SELECT k.id FROM contacts k
        WHERE k.updated_at < oppspot_now() - make_interval(secs => %(keep_s)s)
          AND (k.last_contact_at IS NULL OR k.last_contact_at < oppspot_now() - make_interval(secs => %(keep_s)s))
        ORDER BY k.updated_at LIMIT 1000 FOR UPDATE SKIP LOCKED)
    RETURNING id
), old_person AS (
    DELETE FROM people WHERE id IN (
        SELECT p.id FROM people p
        WHERE p.last_seen_at < oppspot_now() - make_interval(secs => %(keep_s)s)
          AND NOT EXISTS (SELECT FROM contacts k WHERE k.person_id = p.id)
        ORDER BY p.last_seen_at LIMIT 1000 FOR UPDATE SKIP LOCKED)
    RETURNING id
)
SELECT (SELECT count(*) FROM old_contact) + (SELECT count(*) FROM old_person) AS n
