-- What people and contacts are called.
SELECT p.id, p.name FROM people p WHERE p.id = ANY (%(ids)s::uuid[])
UNION ALL
SELECT k.id, k.name FROM contacts k WHERE k.id = ANY (%(ids)s::uuid[])
