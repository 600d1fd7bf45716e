-- Who was asked about which company, and what the newest fact was then.
INSERT INTO enrichment_checks (company_id, provider, outcome, checked_at, facts_seen)
SELECT c.id, g.provider, g.outcome, oppspot_now(),
    coalesce((SELECT max(f.id) FROM facts f WHERE f.company_id = c.id), 0)
FROM unnest(%(ids)s::uuid[], %(providers)s::text[], %(outcomes)s::text[]) AS g (id, provider, outcome)
JOIN companies c ON c.id = g.id AND (c.org_id IS NULL OR c.org_id = %(org_id)s::uuid)
ORDER BY c.id, g.provider
ON CONFLICT (company_id, provider) DO UPDATE SET
    outcome = excluded.outcome, checked_at = excluded.checked_at, facts_seen = excluded.facts_seen
