-- Two companies that somebody looked at and that are not the same.
INSERT INTO possible_duplicates (company_id, other_id, likeness, dismissed_at)
VALUES (least(%(one)s::uuid, %(other)s::uuid), greatest(%(one)s::uuid, %(other)s::uuid), 0, oppspot_now())
ON CONFLICT (company_id, other_id) DO UPDATE SET dismissed_at = oppspot_now()
