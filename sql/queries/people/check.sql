-- When the register was asked for the people of a company, and how that ended.
INSERT INTO relationship_checks (org_key, company_id, outcome, checked_at)
SELECT coalesce(%(org_id)s::uuid, '00000000-0000-0000-0000-000000000000'), c.id, %(outcome)s, oppspot_now()
FROM companies c WHERE c.id = %(company_id)s
ON CONFLICT (company_id, org_key) DO UPDATE SET outcome = excluded.outcome, checked_at = excluded.checked_at
