-- Which of these are not to be approached: an address also by its domain and those above it, because the contact's
-- person is suppressed, or because somebody of that address was forgotten; a company also by its domain.
WITH rule AS (
    SELECT s.kind, coalesce(s.value, s.digest) AS key FROM suppressions s
    WHERE s.org_id IS NULL OR s.org_id = %(org_id)s::uuid
), asked AS (
    SELECT 'email' AS kind, e AS said, lower(trim(e)) AS key, lower(substring(trim(e) FROM '@([^@]+)$')) AS host
    FROM unnest(%(emails)s::text[]) e
    UNION ALL
    SELECT 'domain', d, lower(trim(d)), lower(trim(d)) FROM unnest(%(domains)s::text[]) d
    UNION ALL
    SELECT 'company', c.id::text, coalesce(c.merged_into, c.id)::text, c.domain
    FROM companies c WHERE c.id = ANY (%(company_ids)s::uuid[])
)
SELECT a.kind, a.said FROM asked a
WHERE EXISTS (SELECT FROM rule r WHERE r.kind = a.kind AND r.key IN (a.key, a.said))
   OR EXISTS (SELECT FROM rule r WHERE r.kind = 'domain' AND (a.host = r.key OR a.host LIKE '%%.' || r.key))
   OR (a.kind = 'email' AND (
        EXISTS (SELECT FROM rule r WHERE r.kind = 'email' AND r.key = forgotten_digest('email ' || a.key))
        OR EXISTS (SELECT FROM contacts k JOIN rule r ON r.kind = 'person' AND r.key = k.person_id::text
                   WHERE k.email = a.key AND k.org_id IS NOT DISTINCT FROM %(org_id)s::uuid)))
