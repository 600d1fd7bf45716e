-- Who writes signals of a company waits for who does already; all take companies in one order. A company that
-- was merged stands for the one that it turned out to be.
SELECT m.id AS asked, c.id, c.name, c.merged_into
FROM companies m JOIN companies c ON c.id = coalesce(m.merged_into, m.id)
WHERE m.id = ANY (%(ids)s::uuid[]) AND (c.org_id IS NULL OR c.org_id = %(org_id)s::uuid)
ORDER BY c.id FOR NO KEY UPDATE OF c
