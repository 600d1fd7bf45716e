-- All companies of a stream with the best fact of every field, in one statement (see
-- load_companies), the signals that count now, and the scores as they are, so that a change can be told.
-- Of a type at most three signals score; the best ten are more than enough for another clock than this one.
SELECT i.id AS item_id, i.quality_score, i.score_parts, i.enriched_at, c.id, c.org_id, c.name, c.name_norm, c.company_number, c.domain, c.status, c.country, c.region,
    c.town, c.sic_codes, c.industries, c.employees, c.employees_band, c.founded_year, c.incorporated,
    c.description, c.website, c.linkedin_url, c.phone, c.email, c.tech,
    nullif(c.links, '{}') AS links, c.updated_at, f.facts, b.signals
FROM stream_items i
JOIN streams s ON s.id = i.stream_id
JOIN companies c ON c.id = i.company_id
CROSS JOIN LATERAL (SELECT to_jsonb(c) AS whole OFFSET 0) w
LEFT JOIN LATERAL (
    SELECT jsonb_agg(jsonb_build_array(o.source, o.confidence, o.seconds, o.fields, o.others)) AS facts
    FROM (
        SELECT b.source, b.confidence, extract(epoch FROM b.observed_at) AS seconds, jsonb_agg(b.field) AS fields,
            jsonb_object_agg(b.field, b.other) FILTER (WHERE b.other IS NOT NULL) AS others
        FROM (
            SELECT DISTINCT ON (f.field COLLATE "C") f.field, f.source, f.confidence, f.observed_at,
                CASE WHEN w.whole -> f.field IS NULL THEN f.value END AS other
            FROM stated_facts f
            WHERE f.company_id = c.id AND (f.org_id IS NULL OR f.org_id = %(org_id)s::uuid)
              AND coalesce(w.whole -> f.field = f.value, true)
            ORDER BY f.field COLLATE "C", f.confidence DESC, f.observed_at DESC, f.id DESC
        ) b
        GROUP BY b.source, b.confidence, b.observed_at
    ) o
) f ON true
LEFT JOIN (
    SELECT n.company_id, jsonb_agg(jsonb_build_array(n.signal_type, n.strength, n.confidence,
        extract(epoch FROM n.occurred_at), array_to_string(n.sources, ', '), n.title)) AS signals
    FROM (
        SELECT n.*, row_number() OVER (PARTITION BY n.company_id, n.signal_type ORDER BY n.effect DESC, n.id) AS place
        FROM current_signals n JOIN stream_items i ON i.company_id = n.company_id
        WHERE i.stream_id = %(stream_id)s AND n.org_id IS NOT DISTINCT FROM %(org_id)s::uuid
          AND (%(company_id)s::uuid IS NULL OR i.company_id = %(company_id)s)) n
    WHERE n.place <= 10
    GROUP BY n.company_id
) b ON b.company_id = c.id
WHERE i.stream_id = %(stream_id)s AND s.org_id IS NOT DISTINCT FROM %(org_id)s::uuid
  AND (c.org_id IS NULL OR c.org_id = %(org_id)s::uuid)
  AND (%(company_id)s::uuid IS NULL OR i.company_id = %(company_id)s)
ORDER BY i.company_id
