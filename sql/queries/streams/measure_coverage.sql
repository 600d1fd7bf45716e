-- How many companies of a stream have each field of completeness, in one pass.
SELECT count(*) AS items, count(c.name) AS name, count(coalesce(c.website, c.domain)) AS website,
    count(nullif(c.description, '')) AS description,
    count(*) FILTER (WHERE c.industries <> '{}' OR c.sic_codes <> '{}') AS industry,
    count(coalesce(c.employees::text, c.employees_band)) AS employee_count,
    count(coalesce(c.region, c.town, c.country)) AS region, count(c.linkedin_url) AS linkedin_url,
    count(c.phone) AS phone, count(c.email) AS email
FROM stream_items i
JOIN streams s ON s.id = i.stream_id
JOIN companies c ON c.id = i.company_id
WHERE i.stream_id = %(stream_id)s AND s.org_id IS NOT DISTINCT FROM %(org_id)s::uuid
  AND (c.org_id IS NULL OR c.org_id = %(org_id)s::uuid)
