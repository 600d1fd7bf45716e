-- One company, what was merged into it, and into what it was merged.
SELECT c.id, c.name, c.org_id, c.company_number, c.domain, c.status, c.country, c.region, c.town, c.sic_codes, c.industries,
    c.employees, c.employees_band, c.founded_year, c.incorporated, c.website, c.linkedin_url, c.phone, c.email, c.tech,
    c.source, c.source_id, c.updated_at,
    (SELECT jsonb_build_object('id', k.id, 'name', k.name) FROM companies k WHERE k.id = c.merged_into) AS merged_into,
    (SELECT coalesce(jsonb_agg(jsonb_build_object('id', g.id, 'name', g.name, 'reason', m.reason, 'merged_at', m.merged_at)
        ORDER BY m.merged_at, g.id), '[]')
     FROM companies g JOIN company_merges m ON m.company_id = g.id AND m.undone_at IS NULL
     WHERE g.merged_into = c.id) AS merged,
    (SELECT coalesce(jsonb_agg(jsonb_build_object('stream_id', s.id, 'stream', s.name, 'score', i.quality_score,
        'priority', i.priority) ORDER BY s.name, s.id), '[]')
     FROM stream_items i JOIN streams s ON s.id = i.stream_id WHERE i.company_id = c.id) AS streams,
    (SELECT coalesce(jsonb_agg(jsonb_build_object('field', f.field, 'value', f.value, 'source', f.source,
        'source_url', f.source_url, 'observed_at', f.observed_at, 'confidence', f.confidence) ORDER BY f.field, f.confidence DESC, f.id), '[]')
     FROM stated_facts f WHERE f.company_id = c.id) AS facts
FROM companies c WHERE c.id = %(company_id)s
