-- Who may be one of those that a register names: people with one of their ids, numbers or names.
SELECT p.id, p.name_norm, p.birth_year, p.birth_month, p.register_ids, p.register_number FROM people p
WHERE (p.register_ids && %(register_ids)s::text[] OR p.name_norm = ANY (%(keys)s::text[])
       OR p.register_number = ANY (%(numbers)s::text[]))
  AND p.org_id IS NOT DISTINCT FROM %(org_id)s::uuid
ORDER BY p.id
