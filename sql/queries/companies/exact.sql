-- Companies by what names one alone: its id, its number, its domain. One that was merged goes by its id only.
SELECT c.id, c.name, c.name_norm, c.org_id, c.company_number, c.domain, c.status, c.country, c.region, c.town, c.industries,
    c.employees, c.employees_band, c.founded_year, c.updated_at
FROM companies c
WHERE (c.org_id IS NULL OR c.org_id = %(org_id)s::uuid)
  AND (c.id = %(id)s::uuid OR (c.merged_into IS NULL AND (c.company_number = %(number)s OR c.domain = %(domain)s)))
ORDER BY c.name_norm, c.id LIMIT %(limit)s
