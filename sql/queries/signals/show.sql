-- All of a signal, with what each source says of it and what it is worth today.
SELECT s.*, c.name AS company, a.name AS detected_by_name,
    (SELECT n.effect FROM current_signals n WHERE n.id = s.id) AS effect,
    (SELECT coalesce(jsonb_agg(jsonb_build_object('source', g.source, 'key', g.key, 'url', g.url, 'confidence',
        g.confidence, 'first_seen_at', g.first_seen_at, 'last_seen_at', g.last_seen_at) ORDER BY g.first_seen_at), '[]')
     FROM signal_sightings g WHERE g.signal_id = s.id) AS sightings
FROM buying_signals s JOIN companies c ON c.id = s.company_id LEFT JOIN ai_agents a ON a.id = s.detected_by
WHERE s.id = %(signal_id)s
