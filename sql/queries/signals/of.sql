-- Signals of companies that count now, the newest first.
SELECT s.company_id, s.signal_type, s.strength, s.confidence, s.occurred_at, s.title,
    (SELECT string_agg(DISTINCT g.source, ', ') FROM signal_sightings g WHERE g.signal_id = s.id) AS source
FROM buying_signals s
WHERE s.company_id = ANY (%(ids)s::uuid[]) AND s.org_id IS NOT DISTINCT FROM %(org_id)s::uuid
  AND s.status IN ('active', 'acted_upon') AND s.expires_at > oppspot_now()
ORDER BY s.company_id, s.occurred_at DESC, s.id
