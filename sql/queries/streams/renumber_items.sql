-- Positions 1, 2, 3 ... in one statement: best score first, of equal ones the better known, then by
-- name, so that the order is always the same. Names by code point, as Python sorts them (Score.rank):
-- what the database's collation makes of them differs from one to the next.
UPDATE stream_items i SET position = r.position
FROM (
    SELECT i.id, row_number() OVER (ORDER BY i.quality_score DESC NULLS LAST, i.score_confidence DESC NULLS LAST,
        c.name_norm COLLATE "C", c.name COLLATE "C", i.company_id) AS position
    FROM stream_items i JOIN streams s ON s.id = i.stream_id JOIN companies c ON c.id = i.company_id
    WHERE i.stream_id = %(stream_id)s AND s.org_id IS NOT DISTINCT FROM %(org_id)s::uuid
) r
WHERE i.id = r.id AND i.position IS DISTINCT FROM r.position
