-- People of these companies who may be the same as others of their name: one of the two has no date of birth. And contacts
-- whose name several officers of their company have.
SELECT 'people' AS kind, ARRAY[least(p.id, q.id), greatest(p.id, q.id)] AS ids
FROM people p
JOIN people q ON q.name_norm = p.name_norm AND q.id <> p.id AND q.org_id IS NOT DISTINCT FROM p.org_id
    AND q.nominee IS DISTINCT FROM 'corporate' AND (p.birth_year IS NULL OR q.birth_year IS NULL)
WHERE p.org_id IS NOT DISTINCT FROM %(org_id)s::uuid AND p.nominee IS DISTINCT FROM 'corporate'
  AND EXISTS (SELECT FROM appointments a WHERE a.person_id = p.id AND a.company_id = ANY (%(company_ids)s::uuid[]))
UNION
SELECT 'contact', array_agg(DISTINCT p.id ORDER BY p.id)
FROM contact_companies w
JOIN contacts k ON k.id = w.contact_id AND k.person_id IS NULL
JOIN appointments a ON a.company_id = w.company_id AND a.org_id IS NOT DISTINCT FROM k.org_id
JOIN people p ON p.id = a.person_id AND p.name_norm = k.name_norm AND p.nominee IS NULL
WHERE w.company_id = ANY (%(company_ids)s::uuid[]) AND k.org_id IS NOT DISTINCT FROM %(org_id)s::uuid
GROUP BY k.id HAVING count(DISTINCT p.id) > 1
ORDER BY 1, 2
LIMIT 1000
