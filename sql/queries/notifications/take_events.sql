-- Takes the oldest events away, with the names of what they are about.
WITH taken AS (
    DELETE FROM notification_events e
    WHERE e.id = ANY (ARRAY(SELECT o.id FROM notification_events o ORDER BY o.id LIMIT %(most)s))
    RETURNING e.id, e.event, e.org_id, e.at, e.facts
)
SELECT t.event, t.at, coalesce(t.org_id, a.org_id, s.org_id) AS org_id,
       t.facts || jsonb_strip_nulls(jsonb_build_object(
           'agent', coalesce(a.name, a.agent_type), 'agent_type', a.agent_type, 'stream', s.name, 'company', c.name,
           'fingerprint', CASE WHEN t.event = 'task_dead'
               THEN to_hex(hashtextextended(error_pattern(t.facts ->> 'error'), 0)) END)) AS facts
FROM taken t
LEFT JOIN ai_agents a ON a.id = (t.facts ->> 'agent_id')::uuid
LEFT JOIN streams s ON s.id = (t.facts ->> 'stream_id')::uuid
LEFT JOIN companies c ON c.id = (t.facts ->> 'company_id')::uuid
ORDER BY t.id
