-- Companies by normalised name, where only one has it: a name of several says nothing.
SELECT c.name_norm AS key, min(coalesce(c.merged_into, c.id)::text)::uuid AS company_id, min(c.name) AS name
FROM companies c
WHERE c.name_norm = ANY (%(names)s) AND (c.org_id IS NULL OR c.org_id = %(org_id)s::uuid)
GROUP BY c.name_norm
HAVING count(DISTINCT coalesce(c.merged_into, c.id)) = 1
