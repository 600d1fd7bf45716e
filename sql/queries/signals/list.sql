-- Signals for people to read, the newest first, from the one after `before` on. Companies are looked up for those of
-- the page alone.
WITH page AS MATERIALIZED (
    SELECT s.* FROM buying_signals s
    WHERE s.id < coalesce(%(before)s::uuid, 'ffffffff-ffff-ffff-ffff-ffffffffffff')
      AND (%(company_id)s::uuid IS NULL OR s.company_id = %(company_id)s)
      AND (%(stream_id)s::uuid IS NULL OR (
          s.org_id IS NOT DISTINCT FROM (SELECT t.org_id FROM streams t WHERE t.id = %(stream_id)s)
          AND EXISTS (SELECT FROM stream_items i WHERE i.stream_id = %(stream_id)s AND i.company_id = s.company_id)))
      AND (%(signal_type)s::text IS NULL OR s.signal_type = %(signal_type)s)
      AND (%(status)s::text IS NULL OR s.status = %(status)s)
      AND (%(since)s::interval IS NULL OR s.detected_at >= oppspot_now() - %(since)s::interval)
    ORDER BY s.id DESC LIMIT %(limit)s
)
SELECT s.id, s.org_id, s.company_id, c.name AS company, s.signal_type, s.strength, s.confidence, s.title, s.sources,
    s.status, s.occurred_at, s.detected_at, s.last_seen_at, s.expires_at, s.decided_by, s.decided_at
FROM page s JOIN companies c ON c.id = s.company_id
ORDER BY s.id DESC
