-- As search_companies, among the companies of one stream; those with the best score first. A statement of its own,
-- so that it never looks at all companies.
SELECT c.id, c.name, c.country, c.region, c.town, c.status, c.industries, c.employees, c.employees_band, c.founded_year,
    c.domain, left(c.description, 300) AS description, i.quality_score AS score, i.priority
FROM streams s
JOIN stream_items i ON i.stream_id = s.id
JOIN companies c ON c.id = i.company_id
WHERE s.id = %(stream_id)s::uuid AND s.org_id IS NOT DISTINCT FROM %(org_id)s::uuid
  AND (c.org_id IS NULL OR c.org_id = %(org_id)s::uuid)
  AND c.merged_into IS NULL
  AND (%(name)s::text IS NULL OR strpos(c.name_norm, %(name)s) > 0 OR strpos(lower(c.description), %(words)s::text) > 0)
  AND (%(country)s::text IS NULL OR c.country = %(country)s)
  AND (%(industries)s::text[] IS NULL OR c.industries && %(industries)s)
  AND (%(least)s::int IS NULL OR c.employees >= %(least)s)
  AND (%(most)s::int IS NULL OR c.employees <= %(most)s)
ORDER BY i.quality_score DESC NULLS LAST, c.name_norm, c.id
LIMIT %(limit)s OFFSET %(offset)s
