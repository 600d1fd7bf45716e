-- Somebody who is forgotten.
DELETE FROM people p WHERE p.id = ANY (%(people)s::uuid[])
