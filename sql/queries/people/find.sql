-- Rows about whoever is meant, and rows of other organisations about the same people: by ids of the register, by name with
-- month of birth, by address. A name alone joins nobody.
WITH seed AS (
    SELECT p.id, p.register_ids, p.name_norm, p.birth_year, p.birth_month FROM people p
    WHERE p.id BETWEEN %(low)s::uuid AND %(high)s::uuid OR p.name_norm = %(key)s
    UNION
    SELECT p.id, p.register_ids, p.name_norm, p.birth_year, p.birth_month FROM contacts k JOIN people p ON p.id = k.person_id
    WHERE k.id BETWEEN %(low)s::uuid AND %(high)s::uuid OR k.email = %(email)s OR k.name_norm = %(key)s
), person AS (
    SELECT DISTINCT p.id FROM seed s JOIN people p ON p.id = s.id OR p.register_ids && s.register_ids
        OR (p.name_norm = s.name_norm AND p.birth_year = s.birth_year AND p.birth_month = s.birth_month)
), contact AS (
    SELECT k.id, k.email FROM contacts k
    WHERE k.id BETWEEN %(low)s::uuid AND %(high)s::uuid OR k.email = %(email)s OR k.name_norm = %(key)s
       OR k.person_id IN (SELECT id FROM person)
)
SELECT 'person' AS kind, p.id, p.id AS person_id, p.name, p.name_norm, p.birth_year, p.birth_month, p.register_ids,
    NULL AS email, ARRAY(SELECT DISTINCT a.company_name FROM appointments a WHERE a.person_id = p.id ORDER BY 1 LIMIT 5) AS companies
FROM people p WHERE p.id IN (SELECT id FROM person)
UNION ALL
SELECT 'contact', k.id, k.person_id, k.name, k.name_norm, NULL, NULL, '{}', k.email, ARRAY[k.company]
FROM contacts k
WHERE k.id IN (SELECT id FROM contact) OR k.email IN (SELECT email FROM contact)
ORDER BY 1 DESC, 2
