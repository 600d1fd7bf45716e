-- Who is in office in these companies now. Somebody who is not to be approached is not among them.
SELECT a.company_id, a.person_id, p.name, a.role, a.occupation, a.appointed_on, p.nominee
FROM appointments a JOIN people p ON p.id = a.person_id
WHERE a.company_id = ANY (%(company_ids)s::uuid[]) AND a.resigned_on IS NULL
  AND a.org_id IS NOT DISTINCT FROM %(org_id)s::uuid
  AND NOT EXISTS (SELECT FROM suppressions s WHERE s.kind = 'person' AND s.value = p.id::text
                  AND (s.org_id IS NULL OR s.org_id = %(org_id)s::uuid))
  AND NOT EXISTS (SELECT FROM suppressions s WHERE s.kind = 'company' AND s.value = a.company_id::text
                  AND (s.org_id IS NULL OR s.org_id = %(org_id)s::uuid))
ORDER BY a.company_id, a.appointed_on NULLS LAST, a.id
