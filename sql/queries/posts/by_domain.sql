-- Companies by exact domain; of one that turned out to be another one, that other one.
SELECT c.domain AS key, coalesce(c.merged_into, c.id) AS company_id, c.name
FROM companies c
WHERE c.domain = ANY (%(domains)s) AND (c.org_id IS NULL OR c.org_id = %(org_id)s::uuid)
ORDER BY 1, 2
