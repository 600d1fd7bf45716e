-- That somebody who is forgotten is not to be approached: the digest holds now.
DELETE FROM suppressions s
WHERE (s.kind = 'person' AND s.value = ANY (%(people)s::uuid[]::text[])) OR (s.kind = 'email' AND s.value = ANY (%(emails)s::text[]))
