-- Every fact that may speak for a row of companies: public ones, and of an organisation's own row its
-- own. What one organisation knows must not reach a row that all can see.
SELECT f.company_id, f.field, f.value, f.source, f.source_url, f.observed_at, f.valid_from, f.confidence
FROM stated_facts f JOIN companies c ON c.id = f.company_id
WHERE c.id = ANY (%(ids)s::uuid[]) AND (c.org_id IS NULL OR c.org_id = %(org_id)s::uuid)
  AND (f.org_id IS NULL OR f.org_id IS NOT DISTINCT FROM c.org_id)
ORDER BY f.company_id, f.id
