-- Signals of a company that sightings may belong to: seen by one of their keys, or late enough to be the same
-- event. Held, so that neither people nor their expiry change them meanwhile.
SELECT s.id, s.signal_type, s.event, s.title, s.strength, s.confidence, s.status, s.occurred_at, s.data,
    ARRAY(SELECT jsonb_build_array(g.source, g.key, g.confidence) FROM signal_sightings g
          WHERE g.signal_id = s.id ORDER BY g.source, g.key) AS sightings
FROM buying_signals s
WHERE s.company_id = %(company_id)s AND s.org_id IS NOT DISTINCT FROM %(org_id)s::uuid
  AND (s.occurred_at >= %(since)s OR EXISTS (
    SELECT FROM signal_sightings k WHERE k.signal_id = s.id AND k.key = ANY (%(keys)s::text[])))
ORDER BY s.id FOR NO KEY UPDATE OF s
