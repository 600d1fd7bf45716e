-- A page of the companies of a stream for people, by place or by score. Which they are is found among the items alone;
-- only those of the page are looked up, one by one, with their signals that count today, the strongest first.
WITH stream AS MATERIALIZED (
    SELECT s.id, s.org_id FROM streams s WHERE s.id = %(stream_id)s
), sorted AS (
    SELECT i.id, i.company_id,
           CASE %(by)s::text WHEN 'score' THEN -coalesce(i.quality_score, -1) ELSE coalesce(i.position, 2147483647) END AS place
    FROM stream_items i
    WHERE i.stream_id = %(stream_id)s
      AND (%(priorities)s::text[] IS NULL OR i.priority = ANY (%(priorities)s::text[]))
      AND (%(stage)s::text IS NULL OR i.score_stage = %(stage)s::text)
      AND (%(least)s::numeric IS NULL OR i.quality_score >= %(least)s::numeric)
      AND (%(words)s::text IS NULL OR EXISTS (
          SELECT FROM companies c WHERE c.id = i.company_id AND (strpos(lower(c.name), lower(%(words)s::text)) > 0
              OR strpos(c.domain, lower(%(words)s::text)) > 0 OR c.company_number = upper(%(words)s::text))))
      AND (NOT %(with_signals)s::boolean OR EXISTS (
          SELECT FROM current_signals n WHERE n.company_id = i.company_id
              AND n.org_id IS NOT DISTINCT FROM (SELECT s.org_id FROM stream s)))
), page AS MATERIALIZED (
    SELECT * FROM sorted s
    WHERE (s.place, s.company_id) > (coalesce(%(after_place)s::numeric, '-Infinity'),
                                     coalesce(%(after_id)s::uuid, '00000000-0000-0000-0000-000000000000'))
    ORDER BY s.place, s.company_id LIMIT %(limit)s
)
SELECT p.place, i.id, i.company_id, c.name, c.domain, c.country, c.region, c.town, c.industries, c.employees, c.employees_band,
    c.status, i.position, i.quality_score, i.priority, i.score_confidence, i.score_stage, i.stage_id, i.score_reasons,
    i.score_missing, i.score_changed, i.scored_at, i.enriched_at, i.created_at, n.signals, n.signal_count
FROM page p
CROSS JOIN LATERAL (SELECT * FROM stream_items x WHERE x.id = p.id LIMIT 1) i
JOIN stream s ON s.id = i.stream_id
JOIN companies c ON c.id = i.company_id
CROSS JOIN LATERAL (
    SELECT count(*)::integer AS signal_count, coalesce((jsonb_agg(jsonb_build_object('id', n.id, 'signal_type', n.signal_type,
        'strength', n.strength, 'confidence', n.confidence, 'title', n.title, 'occurred_at', n.occurred_at,
        'effect', n.effect) ORDER BY n.effect DESC, n.id)), '[]') AS signals
    FROM (SELECT * FROM current_signals m WHERE m.company_id = i.company_id AND m.org_id IS NOT DISTINCT FROM s.org_id
          ORDER BY m.effect DESC, m.id LIMIT 20) n) n
ORDER BY p.place, p.company_id
