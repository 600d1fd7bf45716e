-- All scores of a stream in one statement; rows whose score stands as it was are not touched.
UPDATE stream_items i SET
    quality_score = g.score, score_confidence = g.confidence, score_stage = %(stage)s,
    score_parts = g.parts::jsonb, score_reasons = g.reasons::jsonb, score_missing = g.missing::jsonb,
    score_changed = coalesce(g.changed::jsonb, i.score_changed), model_version = %(model_version)s,
    scored_at = %(now)s, priority = g.priority, updated_at = oppspot_now()
FROM unnest(%(ids)s::uuid[], %(scores)s::numeric[], %(confidences)s::numeric[],
    %(priorities)s::text[], %(parts)s::text[], %(reasons)s::text[], %(missing)s::text[],
    %(changed)s::text[]) AS g (id, score, confidence, priority, parts, reasons, missing, changed)
JOIN streams s ON s.id = %(stream_id)s AND s.org_id IS NOT DISTINCT FROM %(org_id)s::uuid
WHERE i.id = g.id AND i.stream_id = s.id
  AND (i.quality_score IS DISTINCT FROM g.score OR i.score_confidence IS DISTINCT FROM g.confidence
    OR i.score_stage IS DISTINCT FROM %(stage)s OR i.model_version IS DISTINCT FROM %(model_version)s
    OR i.score_reasons <> g.reasons::jsonb OR i.score_missing <> g.missing::jsonb)
