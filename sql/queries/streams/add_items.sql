-- The best of what was found, up to the target: companies of this search that are in the stream
-- already count, so that a second run, or one beside this, adds nothing. Given best first.
WITH given AS MATERIALIZED (
    SELECT * FROM unnest(%(ids)s::uuid[], %(scores)s::numeric[], %(confidences)s::numeric[],
        %(priorities)s::text[], %(parts)s::text[], %(reasons)s::text[], %(missing)s::text[])
        WITH ORDINALITY AS g (company_id, score, confidence, priority, parts, reasons, missing, place)
)
INSERT INTO stream_items (stream_id, company_id, quality_score, score_confidence, score_stage,
    score_parts, score_reasons, score_missing, model_version, scored_at, priority, agent_id)
SELECT s.id, c.id, g.score, g.confidence, 'discovery', g.parts::jsonb, g.reasons::jsonb,
    g.missing::jsonb, %(model_version)s, %(now)s, g.priority, %(agent_id)s
FROM given g
JOIN streams s ON s.id = %(stream_id)s AND s.org_id IS NOT DISTINCT FROM %(org_id)s::uuid
JOIN companies c ON c.id = g.company_id AND (c.org_id IS NULL OR c.org_id = %(org_id)s::uuid)
WHERE NOT EXISTS (SELECT FROM stream_items i WHERE i.stream_id = s.id AND i.company_id = c.id)
ORDER BY g.place
LIMIT greatest(0, %(target)s::int - (SELECT count(*) FROM stream_items i
    WHERE i.stream_id = %(stream_id)s AND i.company_id = ANY (%(found)s::uuid[]))::int)
ON CONFLICT (stream_id, company_id) DO NOTHING
RETURNING company_id
