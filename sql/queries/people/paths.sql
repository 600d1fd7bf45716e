-- The strongest path of at most three steps from each own contact to each decision maker, the best of every company. Goes
-- from the decision makers outward and keeps of all ways to a person the strongest, so that its size is that of two
-- neighbourhoods; the last step meets the contacts. Ties hold in both directions.
WITH barred AS MATERIALIZED (
    SELECT s.kind, s.value FROM suppressions s
    WHERE s.value IS NOT NULL AND (s.org_id IS NULL OR s.org_id = %(org_id)s::uuid)
), contact AS MATERIALIZED (
    SELECT k.id, k.person_id, coalesce(power(0.5, greatest(0, extract(epoch FROM oppspot_now() - k.last_contact_at))
        / 86400 / %(contact_half_life)s::float8), %(unknown_contact)s::float8) AS strength
    FROM contacts k
    WHERE k.org_id IS NOT DISTINCT FROM %(org_id)s::uuid AND NOT EXISTS (SELECT FROM barred b
        WHERE (b.kind = 'email' AND b.value = k.email) OR (b.kind = 'domain' AND b.value = k.domain)
           OR (b.kind = 'person' AND b.value = k.person_id::text))
), hop0 AS MATERIALIZED (
    SELECT t.company_id, t.person_id AS target, t.place, t.person_id AS node, 1.0::float8 AS strength, '[]'::jsonb AS steps
    FROM unnest(%(company_ids)s::uuid[], %(person_ids)s::uuid[]) WITH ORDINALITY AS t (company_id, person_id, place)
), beside1 AS MATERIALIZED (
    SELECT b.* FROM people_beside(%(org_id)s::uuid, ARRAY(SELECT DISTINCT h.node FROM hop0 h),
        %(fellow)s::float8, %(former)s::float8, %(half_life)s::float8, %(group)s::float8) b
    WHERE NOT EXISTS (SELECT FROM barred x WHERE x.kind = 'person' AND x.value = b.beside::text)
), hop1 AS MATERIALIZED (
    SELECT h.company_id, h.target, h.place, b.beside AS node, h.strength * b.strength AS strength,
        jsonb_build_array(jsonb_build_array(b.tie, b.node, b.company_number, b.company_name, b.until)) || h.steps AS steps
    FROM hop0 h JOIN beside1 b ON b.node = h.node
), beside2 AS MATERIALIZED (
    SELECT b.* FROM people_beside(%(org_id)s::uuid, ARRAY(SELECT DISTINCT h.node FROM hop1 h),
        %(fellow)s::float8, %(former)s::float8, %(half_life)s::float8, %(group)s::float8) b
    WHERE NOT EXISTS (SELECT FROM barred x WHERE x.kind = 'person' AND x.value = b.beside::text)
), hop2 AS MATERIALIZED (
    SELECT DISTINCT ON (h.company_id, h.target, b.beside) h.company_id, h.target, h.place, b.beside AS node,
        h.strength * b.strength AS strength,
        jsonb_build_array(jsonb_build_array(b.tie, b.node, b.company_number, b.company_name, b.until)) || h.steps AS steps
    FROM hop1 h JOIN beside2 b ON b.node = h.node AND b.beside <> h.target
    ORDER BY h.company_id, h.target, b.beside, h.strength * b.strength DESC, b.node
), reached AS MATERIALIZED (
    SELECT * FROM hop0 UNION ALL SELECT * FROM hop1 UNION ALL SELECT * FROM hop2
), beside_contact AS MATERIALIZED (
    SELECT b.* FROM people_beside(%(org_id)s::uuid, ARRAY(SELECT k.person_id FROM contact k WHERE k.person_id IS NOT NULL),
        %(fellow)s::float8, %(former)s::float8, %(half_life)s::float8, %(group)s::float8) b
), desk AS MATERIALIZED (
    SELECT w.contact_id, w.company_id, k.person_id, k.strength, c.company_number, c.name
    FROM contact_companies w JOIN contact k ON k.id = w.contact_id JOIN companies c ON c.id = w.company_id
), found AS (
    SELECT r.company_id, r.target, r.place, k.id AS contact_id, %(itself)s::float8 * k.strength * r.strength AS strength, r.steps
    FROM reached r JOIN contact k ON k.person_id = r.node
    UNION ALL
    SELECT h.company_id, h.target, h.place, k.id, %(itself)s::float8 * k.strength * b.strength * h.strength,
        jsonb_build_array(jsonb_build_array(b.tie, b.beside, b.company_number, b.company_name, b.until)) || h.steps
    FROM hop2 h JOIN beside_contact b ON b.beside = h.node AND b.node <> h.target JOIN contact k ON k.person_id = b.node
    UNION ALL
    SELECT r.company_id, r.target, r.place, d.contact_id, %(colleague)s::float8 * d.strength * r.strength,
        jsonb_build_array(jsonb_build_array('colleague', r.node, d.company_number, d.name, NULL)) || r.steps
    FROM reached r
    JOIN appointments a ON a.person_id = r.node AND a.resigned_on IS NULL
    JOIN desk d ON d.company_id = a.company_id AND d.person_id IS DISTINCT FROM r.node
), best AS (
    SELECT DISTINCT ON (f.company_id, f.target, f.contact_id) f.* FROM found f
    ORDER BY f.company_id, f.target, f.contact_id, f.strength DESC, jsonb_array_length(f.steps), f.steps
), ranked AS (
    SELECT b.*, count(*) OVER (PARTITION BY b.company_id) AS found,
        row_number() OVER (PARTITION BY b.company_id ORDER BY b.strength DESC, b.place, b.contact_id) AS rank
    FROM best b
)
SELECT r.company_id, r.target, r.contact_id, r.strength, r.steps, r.found
FROM ranked r WHERE r.rank <= %(most)s ORDER BY r.company_id, r.rank
