-- Signals for people to read, the newest first, from the one after `before` on.
SELECT s.id, s.org_id, s.company_id, c.name AS company, s.signal_type, s.strength, s.confidence, s.title, s.sources,
    s.status, s.occurred_at, s.detected_at, s.last_seen_at, s.expires_at, s.decided_by, s.decided_at
FROM buying_signals s JOIN companies c ON c.id = s.company_id
WHERE s.id < coalesce(%(before)s::uuid, 'ffffffff-ffff-ffff-ffff-ffffffffffff')
  AND (%(company_id)s::uuid IS NULL OR s.company_id = %(company_id)s)
  AND (%(stream_id)s::uuid IS NULL OR EXISTS (
    SELECT FROM stream_items i JOIN streams t ON t.id = i.stream_id
    WHERE i.stream_id = %(stream_id)s AND i.company_id = s.company_id AND t.org_id IS NOT DISTINCT FROM s.org_id))
  AND (%(signal_type)s::text IS NULL OR s.signal_type = %(signal_type)s)
  AND (%(status)s::text IS NULL OR s.status = %(status)s)
  AND (%(since)s::interval IS NULL OR s.detected_at >= oppspot_now() - %(since)s::interval)
ORDER BY s.id DESC
LIMIT %(limit)s
