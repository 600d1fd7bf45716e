-- Facts that name officers, without the one who is forgotten; a fact that named nobody else goes.
WITH named AS (
    SELECT f.id, (SELECT jsonb_agg(o ORDER BY place) FROM jsonb_array_elements(f.value) WITH ORDINALITY AS e (o, place)
                  WHERE NOT o ->> 'name' ~* %(pattern)s) AS rest
    FROM facts f
    WHERE f.company_id = ANY (%(company_ids)s::uuid[]) AND f.field = 'officers' AND jsonb_typeof(f.value) = 'array'
      AND f.value::text ~* %(pattern)s
), gone AS (
    DELETE FROM facts f USING named n WHERE f.id = n.id RETURNING f.*, n.rest
), kept AS (
    INSERT INTO facts (company_id, org_id, field, value, source, source_url, observed_at, valid_from, confidence)
    SELECT DISTINCT ON (g.company_id, g.org_id, g.source, g.rest)
        g.company_id, g.org_id, g.field, g.rest, g.source, g.source_url, g.observed_at, g.valid_from, g.confidence
    FROM gone g WHERE g.rest IS NOT NULL
    ORDER BY g.company_id, g.org_id, g.source, g.rest, g.observed_at DESC
    ON CONFLICT DO NOTHING
)
SELECT id FROM gone
