-- The companies that everybody sees with these numbers.
SELECT id, company_number FROM companies WHERE company_number = ANY (%(numbers)s::text[]) AND org_id IS NULL
