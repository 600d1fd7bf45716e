-- The contacts that are somebody who is forgotten.
DELETE FROM contacts k WHERE k.id = ANY (%(contacts)s::uuid[])
