-- Positions 1, 2, 3 ... in one statement: best score first, of equal ones the better known, then by
-- company, so that the order is always the same.
UPDATE stream_items i SET position = r.position
FROM (
    SELECT i.id, row_number() OVER (ORDER BY i.quality_score DESC NULLS LAST,
        i.score_confidence DESC NULLS LAST, i.company_id) AS position
    FROM stream_items i JOIN streams s ON s.id = i.stream_id
    WHERE i.stream_id = %(stream_id)s AND s.org_id IS NOT DISTINCT FROM %(org_id)s::uuid
) r
WHERE i.id = r.id AND i.position IS DISTINCT FROM r.position
