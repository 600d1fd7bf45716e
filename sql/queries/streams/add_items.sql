-- The best of what was found, up to the target: companies of this search that are in the stream
-- already count, so that a second run, or one beside this, adds nothing. Given best first.
INSERT INTO stream_items (stream_id, company_id, quality_score, score_confidence, score_stage,
    score_parts, score_reasons, score_missing, model_version, scored_at, priority, agent_id)
SELECT s.id, c.id, g.score, g.confidence, 'discovery', g.parts, g.reasons, g.missing,
    %(model_version)s, %(now)s, g.priority, %(agent_id)s
FROM jsonb_to_recordset(%(scores)s::jsonb) AS g (place int, id uuid, score numeric, confidence numeric,
    priority text, parts jsonb, reasons jsonb, missing jsonb)
JOIN streams s ON s.id = %(stream_id)s AND s.org_id IS NOT DISTINCT FROM %(org_id)s::uuid
JOIN companies c ON c.id = g.id AND (c.org_id IS NULL OR c.org_id = %(org_id)s::uuid)
WHERE NOT EXISTS (SELECT FROM stream_items i WHERE i.stream_id = s.id AND i.company_id = c.id)
ORDER BY g.place
LIMIT greatest(0, %(target)s::int - (SELECT count(*) FROM stream_items i
    WHERE i.stream_id = %(stream_id)s AND i.company_id = ANY (%(found)s::uuid[]))::int)
ON CONFLICT (stream_id, company_id) DO NOTHING
RETURNING company_id
