-- People in office now, or of one company all who are or were; owners as well. From the row after `after_...` on.
SELECT a.id AS office_id, p.id, p.name, p.nominee, a.role, a.occupation, a.company_name, a.company_number, a.appointed_on, a.resigned_on
FROM appointments a JOIN people p ON p.id = a.person_id
WHERE a.org_id IS NOT DISTINCT FROM %(org_id)s::uuid
  AND CASE WHEN %(company_id)s::uuid IS NULL THEN a.resigned_on IS NULL AND a.company_id IS NOT NULL
           ELSE a.company_id = %(company_id)s END
  AND (%(after_id)s::bigint IS NULL OR (coalesce(a.company_name, ''), a.resigned_on IS NOT NULL, p.name, a.id)
      > (%(after_company)s::text, %(after_resigned)s::boolean, %(after_name)s::text, %(after_id)s::bigint))
ORDER BY coalesce(a.company_name, ''), a.resigned_on IS NOT NULL, p.name, a.id
LIMIT %(limit)s
