-- Two enrichments that share companies take them in one order.
SELECT id FROM companies
WHERE id = ANY (%(ids)s::uuid[]) AND (org_id IS NULL OR org_id = %(org_id)s::uuid)
ORDER BY id FOR NO KEY UPDATE
