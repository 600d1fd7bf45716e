-- The names to compare, those that may be the same beside each other: of one organisation, country and town.
SELECT c.id, c.name_norm, coalesce(c.org_id::text, '') || '|' || c.country || '|' || lower(c.town) AS place, c.company_number
FROM companies c
WHERE c.merged_into IS NULL AND c.country IS NOT NULL AND c.town IS NOT NULL AND c.name_norm <> ''
  AND (%(country)s::text IS NULL OR c.country = %(country)s)
ORDER BY place
