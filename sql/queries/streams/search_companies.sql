-- Companies as one organisation sees them, for people and models who search by words. In the order of an index, so
-- that a common word costs no look at all rows.
SELECT c.id, c.name, c.country, c.region, c.town, c.status, c.industries, c.employees, c.employees_band, c.founded_year,
    c.domain, left(c.description, 300) AS description
FROM companies c
WHERE (c.org_id IS NULL OR c.org_id = %(org_id)s::uuid)
  AND c.merged_into IS NULL
  AND (%(name)s::text IS NULL OR strpos(c.name_norm, %(name)s) > 0 OR strpos(lower(c.description), %(words)s::text) > 0)
  AND (%(country)s::text IS NULL OR c.country = %(country)s)
  AND (%(industries)s::text[] IS NULL OR c.industries && %(industries)s)
  AND (%(least)s::int IS NULL OR c.employees >= %(least)s)
  AND (%(most)s::int IS NULL OR c.employees <= %(most)s)
ORDER BY c.name_norm, c.id
LIMIT %(limit)s OFFSET %(offset)s
