-- An insight for each new signal: of one stream, or of every stream of the organisation with the company.
-- The items of each company by themselves, so that a plan made while the tables were small reads no whole stream.
INSERT INTO stream_insights (stream_id, org_id, agent_id, task_id, execution_id, kind, title, evidence)
SELECT s.id, s.org_id, %(agent_id)s::uuid, %(task_id)s::uuid, %(execution_id)s::uuid, 'buying_signal',
    c.name || ': ' || b.title, jsonb_build_object('signal_id', b.id, 'company_id', c.id, 'company', c.name,
        'signal_type', b.signal_type, 'strength', b.strength, 'confidence', b.confidence,
        'occurred_at', b.occurred_at, 'sources', (
            SELECT jsonb_agg(jsonb_build_object('source', g.source, 'url', g.url) ORDER BY g.source, g.key)
            FROM signal_sightings g WHERE g.signal_id = b.id))
FROM buying_signals b
JOIN companies c ON c.id = b.company_id
CROSS JOIN LATERAL (
    SELECT o.stream_id FROM stream_items o WHERE o.company_id = b.company_id OFFSET 0) i
JOIN streams s ON s.id = i.stream_id AND s.org_id IS NOT DISTINCT FROM %(org_id)s::uuid
WHERE b.id = ANY (%(signals)s::uuid[]) AND (%(stream_id)s::uuid IS NULL OR s.id = %(stream_id)s::uuid)
ORDER BY s.id, b.id
