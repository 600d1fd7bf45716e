-- Offices as a register has them now. Which company of ours each is in is known by its number; that of
-- the one that was asked about may be stated elsewhere than in its row.
INSERT INTO appointments AS a (org_id, person_id, company_number, company_name, company_status, company_id, role, occupation,
    appointed_on, resigned_on, source, source_url)
SELECT DISTINCT ON (g.person_id, g.company_number, g.role, coalesce(g.appointed_on, '-infinity'))
    %(org_id)s::uuid, g.person_id, g.company_number, coalesce(c.name, g.company_name), g.company_status, c.id, g.role,
    g.occupation, g.appointed_on, g.resigned_on, %(source)s, g.source_url
FROM jsonb_to_recordset(%(appointments)s::jsonb) AS g (person_id uuid, company_number text, company_name text,
    company_status text, role text, occupation text, appointed_on date, resigned_on date, source_url text)
LEFT JOIN LATERAL (
    SELECT coalesce(c.merged_into, c.id) AS id, c.name FROM companies c
    WHERE (c.company_number = g.company_number OR (g.company_number = %(company_number)s AND c.id = %(company_id)s::uuid))
      AND (c.org_id IS NULL OR c.org_id = %(org_id)s::uuid)
    ORDER BY c.id = %(company_id)s::uuid DESC, c.org_id NULLS LAST LIMIT 1) c ON true
ORDER BY g.person_id, g.company_number, g.role, coalesce(g.appointed_on, '-infinity'), g.resigned_on DESC NULLS FIRST
ON CONFLICT (person_id, company_number, role, (coalesce(appointed_on, '-infinity'))) DO UPDATE SET
    company_name = excluded.company_name, company_status = coalesce(excluded.company_status, a.company_status),
    company_id = coalesce(excluded.company_id, a.company_id), occupation = coalesce(excluded.occupation, a.occupation),
    resigned_on = excluded.resigned_on, source_url = excluded.source_url, seen_at = oppspot_now()
