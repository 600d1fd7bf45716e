-- Which officer a contact is: the only one of that name in the contact's company. Of one company, or with NULL of all.
UPDATE contacts k SET person_id = o.person_id
FROM (
    SELECT w.contact_id, min(p.id::text)::uuid AS person_id
    FROM contact_companies w
    JOIN contacts k ON k.id = w.contact_id
    JOIN appointments a ON a.company_id = w.company_id AND a.org_id IS NOT DISTINCT FROM k.org_id
    JOIN people p ON p.id = a.person_id AND p.name_norm = k.name_norm AND p.nominee IS NULL
    WHERE k.org_id IS NOT DISTINCT FROM %(org_id)s::uuid AND (%(company_id)s::uuid IS NULL OR w.company_id = %(company_id)s)
    GROUP BY w.contact_id HAVING count(DISTINCT p.id) = 1) o
WHERE k.id = o.contact_id AND k.person_id IS DISTINCT FROM o.person_id
