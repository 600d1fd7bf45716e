-- Takes back who is not to be approached. Who was forgotten has no value, and stays forgotten.
DELETE FROM suppressions s
WHERE s.kind = %(kind)s AND s.value = %(value)s AND s.org_id IS NOT DISTINCT FROM %(org_id)s::uuid
RETURNING s.id
