-- People as a register names them now. What is known of a person and was not said again stays.
INSERT INTO people AS p (id, org_id, name, name_norm, birth_year, birth_month, register_ids, register_number, nominee,
    appointment_count, source, source_url, checked_at)
SELECT g.id, %(org_id)s::uuid, g.name, g.name_norm, g.birth_year, g.birth_month, g.register_ids, g.register_number, g.nominee,
    g.appointment_count, %(source)s, g.source_url, CASE WHEN g.appointment_count IS NOT NULL THEN oppspot_now() END
FROM jsonb_to_recordset(%(people)s::jsonb) AS g (id uuid, name text, name_norm text, birth_year smallint,
    birth_month smallint, register_ids text[], register_number text, nominee text, appointment_count integer, source_url text)
ORDER BY g.id
ON CONFLICT (id) DO UPDATE SET
    name = excluded.name, name_norm = excluded.name_norm,
    birth_year = coalesce(excluded.birth_year, p.birth_year), birth_month = coalesce(excluded.birth_month, p.birth_month),
    register_ids = ARRAY(SELECT DISTINCT unnest(p.register_ids || excluded.register_ids) ORDER BY 1),
    nominee = CASE WHEN excluded.appointment_count IS NULL THEN coalesce(excluded.nominee, p.nominee) ELSE excluded.nominee END,
    appointment_count = coalesce(excluded.appointment_count, p.appointment_count),
    source_url = coalesce(excluded.source_url, p.source_url), last_seen_at = oppspot_now(),
    checked_at = coalesce(excluded.checked_at, p.checked_at)
