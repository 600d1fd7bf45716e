-- All that is on record of some people and contacts.
SELECT p.id, 'person' AS kind, p.org_id, p.name, p.birth_year, p.birth_month, p.nominee, p.appointment_count, NULL AS email,
    NULL AS title, NULL::timestamptz AS last_contact_at, p.source, p.source_url, p.last_seen_at,
    (SELECT coalesce(jsonb_agg(jsonb_build_object('company_name', a.company_name, 'company_number', a.company_number,
        'role', a.role, 'appointed_on', a.appointed_on, 'resigned_on', a.resigned_on)
        ORDER BY a.resigned_on IS NOT NULL, a.appointed_on DESC, a.id), '[]') FROM appointments a WHERE a.person_id = p.id) AS offices
FROM people p WHERE p.id = ANY (%(people)s::uuid[])
UNION ALL
SELECT k.id, 'contact', k.org_id, k.name, NULL, NULL, NULL, NULL, k.email, k.title, k.last_contact_at, k.source, NULL, k.updated_at,
    jsonb_build_array(jsonb_build_object('company_name', k.company))
FROM contacts k WHERE k.id = ANY (%(contacts)s::uuid[])
ORDER BY 2 DESC, 1
