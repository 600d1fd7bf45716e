-- The stored score of one company of a stream, by its id or by its name as people type it; of several
-- companies of that name the best placed.
SELECT i.id AS item_id, i.company_id, c.name, i.quality_score, i.priority, i.score_confidence,
    i.score_stage, i.score_parts, i.score_reasons, i.score_missing, i.score_changed, i.model_version,
    i.scored_at, i.position, i.enriched_at, s.goal_criteria, s.target_metrics, oppspot_now() AS now
FROM stream_items i
JOIN streams s ON s.id = i.stream_id
JOIN companies c ON c.id = i.company_id
WHERE i.stream_id = %(stream_id)s AND s.org_id IS NOT DISTINCT FROM %(org_id)s::uuid
  AND (c.org_id IS NULL OR c.org_id = %(org_id)s::uuid)
  AND (i.company_id::text = lower(%(company)s) OR lower(c.name) = lower(%(company)s)
    OR c.domain = lower(%(company)s) OR c.name_norm = %(name_norm)s)
ORDER BY i.company_id::text = lower(%(company)s) DESC, lower(c.name) = lower(%(company)s) DESC,
    i.position NULLS LAST, i.company_id
LIMIT 1
