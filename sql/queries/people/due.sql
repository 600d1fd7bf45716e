-- Which of these companies the register should be asked about, in their order: never asked, too long ago, or sooner after
-- an error. Who was asked since `since` (the begin of the task) is not due again, so that a retry goes on.
SELECT c.id
FROM unnest(%(ids)s::uuid[]) WITH ORDINALITY AS w (id, place)
JOIN companies c ON c.id = w.id AND (c.org_id IS NULL OR c.org_id = %(org_id)s::uuid)
LEFT JOIN relationship_checks k ON k.company_id = c.id
    AND k.org_key = coalesce(%(org_id)s::uuid, '00000000-0000-0000-0000-000000000000')
WHERE k.checked_at IS NULL OR (k.checked_at < %(since)s AND (%(force)s OR k.checked_at <= oppspot_now() - make_interval(secs =>
    CASE WHEN k.outcome = 'error' THEN least(%(ttl_s)s::float8, %(error_ttl_s)s) ELSE %(ttl_s)s END)))
ORDER BY w.place
