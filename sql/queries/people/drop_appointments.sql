-- Offices in a company that the register does not have any more: it corrects itself.
DELETE FROM appointments a
WHERE a.company_number = %(company_number)s AND a.source = %(source)s AND a.seen_at < oppspot_now()
  AND coalesce(a.org_id, '00000000-0000-0000-0000-000000000000'::uuid)
    = coalesce(%(org_id)s::uuid, '00000000-0000-0000-0000-000000000000'::uuid)
