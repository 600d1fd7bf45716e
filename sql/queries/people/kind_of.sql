-- Whether an id is that of a person or of a company; a contact stands for its person.
SELECT 'person' AS kind, p.id FROM people p WHERE p.id = %(id)s
UNION ALL
SELECT 'person', k.person_id FROM contacts k WHERE k.id = %(id)s AND k.person_id IS NOT NULL
UNION ALL
SELECT 'company', coalesce(c.merged_into, c.id) FROM companies c WHERE c.id = %(id)s
