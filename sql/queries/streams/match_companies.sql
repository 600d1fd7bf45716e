-- Of companies of the UK register those that are known already: by their number, or by name where ours
-- has no number and is in the same country, or nobody knows where.
SELECT g.number FROM unnest(%(numbers)s::text[], %(names)s::text[]) AS g (number, name_norm)
WHERE EXISTS (SELECT FROM companies c WHERE c.company_number = g.number
        AND (c.org_id IS NULL OR c.org_id = %(org_id)s::uuid))
   OR (g.name_norm <> '' AND EXISTS (SELECT FROM companies c WHERE c.name_norm = g.name_norm
        AND c.company_number IS NULL AND coalesce(c.country, 'GB') = 'GB' AND c.merged_into IS NULL
        AND (c.org_id IS NULL OR c.org_id = %(org_id)s::uuid)))
