-- Contacts, each once: by the address, without one by name and company. Whoever was forgotten is left out. Tells the new ones
-- from those that were there (xmax).
WITH given AS MATERIALIZED (
    SELECT g.* FROM ROWS FROM (jsonb_to_recordset(%(contacts)s::jsonb) AS (name text, name_norm text, email text, domain text,
        company text, company_norm text, title text, last_contact_at timestamptz)) WITH ORDINALITY
        AS g (name, name_norm, email, domain, company, company_norm, title, last_contact_at, place)
    WHERE NOT EXISTS (SELECT FROM suppressions s WHERE s.digest = forgotten_digest(
        coalesce('email ' || g.email, 'contact ' || g.name_norm || ' of ' || coalesce(g.company_norm, ''))))
), by_email AS (
    INSERT INTO contacts AS k (org_id, name, name_norm, email, domain, company, company_norm, title, last_contact_at, source)
    SELECT %(org_id)s::uuid, g.name, g.name_norm, g.email, g.domain, g.company, g.company_norm, g.title, g.last_contact_at,
        %(source)s
    FROM given g WHERE g.email IS NOT NULL
    ON CONFLICT (email, (coalesce(org_id, '00000000-0000-0000-0000-000000000000'::uuid))) WHERE email IS NOT NULL
    DO UPDATE SET (name, name_norm, domain, company, company_norm, title, last_contact_at, source, updated_at) =
        (excluded.name, excluded.name_norm, excluded.domain, coalesce(excluded.company, k.company),
        coalesce(excluded.company_norm, k.company_norm), coalesce(excluded.title, k.title),
        greatest(excluded.last_contact_at, k.last_contact_at), excluded.source, oppspot_now())
    RETURNING k.email, k.xmax = 0 AS is_new
), by_name AS (
    INSERT INTO contacts AS k (org_id, name, name_norm, company, company_norm, title, last_contact_at, source)
    SELECT %(org_id)s::uuid, g.name, g.name_norm, g.company, g.company_norm, g.title, g.last_contact_at, %(source)s
    FROM given g WHERE g.email IS NULL
    ON CONFLICT (name_norm, (coalesce(company_norm, '')), (coalesce(org_id, '00000000-0000-0000-0000-000000000000'::uuid)))
        WHERE email IS NULL
    DO UPDATE SET (name, company, title, last_contact_at, source, updated_at) = (excluded.name,
        coalesce(excluded.company, k.company), coalesce(excluded.title, k.title),
        greatest(excluded.last_contact_at, k.last_contact_at), excluded.source, oppspot_now())
    RETURNING k.name_norm, k.company_norm, k.xmax = 0 AS is_new
)
SELECT g.place, e.is_new FROM given g JOIN by_email e ON e.email = g.email
UNION ALL
SELECT g.place, n.is_new FROM given g
JOIN by_name n ON g.email IS NULL AND n.name_norm = g.name_norm AND n.company_norm IS NOT DISTINCT FROM g.company_norm
