-- What the code of agent types asks for. Rows that say it already are not even locked: all runners do this at their
-- start.
WITH said AS (
    SELECT s.key, ARRAY(SELECT jsonb_array_elements_text(s.labels)) AS labels
    FROM jsonb_each(%(labels)s::jsonb) AS s (key, labels)
), gone AS (
    DELETE FROM required_labels l WHERE l.scope = 'type'
      AND l.key = ANY (%(known)s::text[]) AND NOT EXISTS (SELECT FROM said s WHERE s.key = l.key)
)
INSERT INTO required_labels AS l (scope, key, labels)
SELECT 'type', s.key, s.labels FROM said s LEFT JOIN required_labels r ON r.scope = 'type' AND r.key = s.key
WHERE r.labels IS DISTINCT FROM s.labels
ON CONFLICT (scope, key) DO UPDATE SET labels = excluded.labels WHERE l.labels IS DISTINCT FROM excluded.labels
