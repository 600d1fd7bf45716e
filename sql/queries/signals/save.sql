-- Writes signals of a company with the sightings that were made of them now; the ids in the given order.
WITH given AS MATERIALIZED (
    SELECT coalesce(g.id, oppspot_uuid()) AS id, g.place, g.signal_type, g.event, g.title, g.strength,
        g.confidence, g.status, g.occurred_at, g.expires_at, g.data, g.sources, g.sightings
    FROM jsonb_to_recordset(%(signals)s::jsonb) AS g (id uuid, place integer, signal_type text,
        event text, title text, strength text, confidence smallint, status text, occurred_at timestamptz,
        expires_at timestamptz, data jsonb, sources text[], sightings jsonb)
), saved AS (
    INSERT INTO buying_signals AS s (id, org_id, company_id, signal_type, event, title, strength, confidence,
        status, occurred_at, expires_at, data, sources, detected_by, task_id)
    SELECT g.id, %(org_id)s::uuid, %(company_id)s::uuid, g.signal_type, g.event, g.title, g.strength, g.confidence,
        g.status, g.occurred_at, g.expires_at, g.data, g.sources, %(agent_id)s::uuid, %(task_id)s::uuid
    FROM given g ORDER BY g.place
    ON CONFLICT (id) DO UPDATE SET (strength, confidence, status, occurred_at, expires_at, data, sources, last_seen_at) =
        (excluded.strength, excluded.confidence, excluded.status, excluded.occurred_at, excluded.expires_at,
        excluded.data, excluded.sources, oppspot_now()),
        detected_by = CASE WHEN s.status = 'unconfirmed' THEN excluded.detected_by ELSE s.detected_by END,
        task_id = CASE WHEN s.status = 'unconfirmed' THEN excluded.task_id ELSE s.task_id END
), sighted AS (
    INSERT INTO signal_sightings (signal_id, org_id, company_id, signal_type, source, key, url, confidence)
    SELECT g.id, %(org_id)s::uuid, %(company_id)s::uuid, g.signal_type, n.source, n.key, n.url, n.confidence
    FROM given g
    CROSS JOIN LATERAL jsonb_to_recordset(g.sightings) AS n (source text, key text, url text, confidence smallint)
    ON CONFLICT (signal_id, source, key) DO UPDATE SET
        last_seen_at = oppspot_now(), url = coalesce(excluded.url, signal_sightings.url), confidence = excluded.confidence
)
SELECT id FROM given ORDER BY place
