-- What the code of agent types says, where people have not said otherwise. Rows that say it already are not
-- even locked: all runners do this at their start, beside claims that spend tokens of many rows.
WITH said AS (
    SELECT * FROM unnest(%(types)s::text[], %(concurrencies)s::integer[], %(rates)s::float8[]) AS s (key, concurrency, rate)
), gone AS (
    DELETE FROM task_limits l WHERE l.scope = 'type' AND l.source = 'code'
      AND l.key = ANY (%(known)s::text[]) AND NOT EXISTS (SELECT FROM said s WHERE s.key = l.key)
)
INSERT INTO task_limits AS l (scope, key, concurrency, rate, source)
SELECT 'type', s.key, s.concurrency, s.rate, 'code'
FROM said s LEFT JOIN task_limits t ON t.scope = 'type' AND t.key = s.key
WHERE t.key IS NULL OR (t.source = 'code' AND (t.concurrency, t.rate) IS DISTINCT FROM (s.concurrency, s.rate))
ON CONFLICT (scope, key) DO UPDATE SET concurrency = excluded.concurrency, rate = excluded.rate
WHERE l.source = 'code' AND (l.concurrency, l.rate) IS DISTINCT FROM (excluded.concurrency, excluded.rate)
