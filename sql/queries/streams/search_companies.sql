-- Companies as one organisation sees them, for people and models who search by words. In a stream those with the
-- best score come first; else the order is that of an index, so that a common word costs no look at all rows.
SELECT c.id, c.name, c.country, c.region, c.town, c.status, c.industries, c.employees, c.employees_band, c.founded_year,
    c.domain, left(c.description, 300) AS description, i.quality_score AS score, i.priority
FROM companies c
LEFT JOIN stream_items i ON i.company_id = c.id AND i.stream_id = %(stream_id)s::uuid
    AND EXISTS (SELECT FROM streams s WHERE s.id = i.stream_id AND s.org_id IS NOT DISTINCT FROM %(org_id)s::uuid)
WHERE (c.org_id IS NULL OR c.org_id = %(org_id)s::uuid)
  AND c.merged_into IS NULL
  AND (NOT %(in_stream)s::boolean OR i.company_id IS NOT NULL)
  AND (%(name)s::text IS NULL OR strpos(c.name_norm, %(name)s) > 0 OR strpos(lower(c.description), %(words)s::text) > 0)
  AND (%(country)s::text IS NULL OR c.country = %(country)s)
  AND (%(industries)s::text[] IS NULL OR c.industries && %(industries)s)
  AND (%(least)s::int IS NULL OR c.employees >= %(least)s)
  AND (%(most)s::int IS NULL OR c.employees <= %(most)s)
ORDER BY CASE WHEN %(in_stream)s THEN i.quality_score END DESC NULLS LAST, c.name_norm, c.id
LIMIT %(limit)s OFFSET %(offset)s
