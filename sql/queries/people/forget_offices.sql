-- The offices of somebody who is forgotten.
DELETE FROM appointments a WHERE a.person_id = ANY (%(people)s::uuid[])
