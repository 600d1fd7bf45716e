-- Companies by their id, number, domain or name as people type them. One that was merged goes by its id only.
SELECT c.id, c.name, c.org_id FROM companies c
WHERE (%(org_id)s::uuid IS NULL OR c.org_id IS NULL OR c.org_id = %(org_id)s)
  AND (c.id BETWEEN %(low)s::uuid AND %(high)s::uuid OR (c.merged_into IS NULL
    AND (c.company_number = %(number)s OR c.domain = %(domain)s OR c.name_norm = %(name_norm)s)))
ORDER BY c.id
LIMIT 6
