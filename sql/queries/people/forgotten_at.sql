-- Which of these first and last words are the name of somebody who was forgotten at the company, or at one that is merged into it.
SELECT DISTINCT e.first, e.last
FROM unnest(%(firsts)s::text[], %(lasts)s::text[]) AS e (first, last)
CROSS JOIN (SELECT c.id FROM companies c WHERE c.id = %(company_id)s OR c.merged_into = %(company_id)s) c
WHERE EXISTS (SELECT FROM suppressions s WHERE s.digest IS NOT NULL)
  AND EXISTS (SELECT FROM suppressions s WHERE s.kind = 'person'
              AND coalesce(s.value, s.digest) = forgotten_digest('at ' || c.id || ' ' || e.first || ' ' || e.last))
