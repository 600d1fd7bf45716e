-- All scores of a stream in one statement; rows whose score stands as it was are not touched. One
-- JSON document: arrays of texts full of quotes take four times as long to send as to write.
-- With its score a row gets the place that it has among these, by the order of renumber_items: where
-- they are all of the stream, that finds every row in its place and writes none a second time.
UPDATE stream_items i SET
    quality_score = g.score, score_confidence = g.confidence, score_stage = %(stage)s,
    score_parts = g.parts, score_reasons = g.reasons, score_missing = g.missing,
    score_changed = coalesce(g.changed, i.score_changed), model_version = %(model_version)s,
    scored_at = %(now)s, priority = g.priority, position = g.position, updated_at = oppspot_now()
FROM (
    SELECT g.*, row_number() OVER (ORDER BY g.score DESC, g.confidence DESC,
        c.name_norm COLLATE "C", c.name COLLATE "C", c.id) AS position
    FROM jsonb_to_recordset(%(scores)s::jsonb) AS g (id uuid, score numeric, confidence numeric,
        priority text, parts jsonb, reasons jsonb, missing jsonb, changed jsonb)
    JOIN stream_items i ON i.id = g.id
    JOIN companies c ON c.id = i.company_id
) g
JOIN streams s ON s.id = %(stream_id)s AND s.org_id IS NOT DISTINCT FROM %(org_id)s::uuid
WHERE i.id = g.id AND i.stream_id = s.id
  AND (i.quality_score IS DISTINCT FROM g.score OR i.score_confidence IS DISTINCT FROM g.confidence
    OR i.score_stage IS DISTINCT FROM %(stage)s OR i.model_version IS DISTINCT FROM %(model_version)s
    OR i.score_reasons <> g.reasons OR i.score_missing <> g.missing)
