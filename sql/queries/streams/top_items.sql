-- The first companies of a stream, for people to read.
SELECT i.position, i.company_id, c.name, c.country, c.employees, c.domain, i.quality_score, i.priority,
    i.score_confidence, i.score_reasons, i.score_missing, i.score_changed, i.scored_at, i.enriched_at
FROM stream_items i
JOIN streams s ON s.id = i.stream_id
JOIN companies c ON c.id = i.company_id
WHERE i.stream_id = %(stream_id)s AND s.org_id IS NOT DISTINCT FROM %(org_id)s::uuid
  AND (c.org_id IS NULL OR c.org_id = %(org_id)s::uuid)
ORDER BY i.position NULLS LAST, i.company_id
LIMIT %(limit)s
