-- Somebody who is forgotten, with the wish not to be approached: the digest holds now.
WITH wish AS (
    DELETE FROM suppressions s WHERE s.kind = 'person' AND s.value = ANY (%(people)s::uuid[]::text[])
)
DELETE FROM people p WHERE p.id = ANY (%(people)s::uuid[])
