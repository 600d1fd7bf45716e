-- One batch: finds the rows that exist, inserts the others, changes what differs, keeps a record of each.
-- LATERAL makes the planner use the unique indexes whatever it believes about a fresh temporary table.
-- ON CONFLICT costs a third of an insert, so records of new companies do without it.
-- A row whose company was merged into another one is a record of that one, and changes nothing else of it.
-- A value stays when another source that is trusted at least as much (a fact says so) stated the field.
WITH found AS MATERIALIZED (
    SELECT r.*, coalesce(known.merged_into, known.id, oppspot_uuid()) AS id, known.id IS NULL AS is_new,
           known.merged_into IS NOT NULL AS is_merged,
           by_number.id IS NULL AND by_source.name_norm <> r.name_norm
               AND by_source.domain <> r.domain AS is_clash
    FROM import_rows r
    LEFT JOIN LATERAL (
        SELECT c.id, c.merged_into FROM companies c
        WHERE c.company_number = r.company_number
          AND coalesce(c.org_id, '00000000-0000-0000-0000-000000000000'::uuid)
              = coalesce(%(org_id)s::uuid, '00000000-0000-0000-0000-000000000000'::uuid)
        LIMIT 1) by_number ON true
    LEFT JOIN LATERAL (
        SELECT c.id, c.merged_into, c.name_norm, c.domain FROM companies c
        WHERE c.source = %(source)s AND c.source_id = r.source_id
          AND coalesce(c.org_id, '00000000-0000-0000-0000-000000000000'::uuid)
              = coalesce(%(org_id)s::uuid, '00000000-0000-0000-0000-000000000000'::uuid)
        LIMIT 1) by_source ON true
    CROSS JOIN LATERAL (SELECT coalesce(by_number.id, by_source.id) AS id,
        CASE WHEN by_number.id IS NULL THEN by_source.merged_into ELSE by_number.merged_into END AS merged_into) known
), wanted AS (
    SELECT * FROM found WHERE is_clash IS NOT TRUE
), inserted AS (
    INSERT INTO companies (id, org_id, source, source_id, company_number, name, name_norm, domain,
        status, country, region, town, sic_codes, industries, employees, employees_band,
        founded_year, incorporated, description, website, linkedin_url, phone, email, tech, links)
    SELECT id, %(org_id)s::uuid, %(source)s, source_id, company_number, name, name_norm, domain,
        status, country, region, town, sic_codes, industries, employees, employees_band,
        founded_year, incorporated, description, website, linkedin_url, phone, email, tech, links
    FROM wanted WHERE is_new
    ORDER BY source_id
    RETURNING id
), differing AS MATERIALIZED (
    SELECT w.* FROM wanted w JOIN LATERAL (SELECT * FROM companies WHERE id = w.id LIMIT 1) c ON true
    WHERE NOT w.is_new AND NOT w.is_merged AND (
        w.name <> c.name OR w.name_norm <> c.name_norm
        OR w.company_number IS DISTINCT FROM c.company_number
        OR w.domain IS DISTINCT FROM c.domain OR w.status IS DISTINCT FROM c.status
        OR w.country IS DISTINCT FROM c.country OR w.region IS DISTINCT FROM c.region
        OR w.town IS DISTINCT FROM c.town OR w.sic_codes <> c.sic_codes
        OR w.industries <> c.industries OR w.employees IS DISTINCT FROM c.employees
        OR w.employees_band IS DISTINCT FROM c.employees_band
        OR w.founded_year IS DISTINCT FROM c.founded_year
        OR w.incorporated IS DISTINCT FROM c.incorporated
        OR w.description IS DISTINCT FROM c.description OR w.website IS DISTINCT FROM c.website
        OR w.linkedin_url IS DISTINCT FROM c.linkedin_url OR w.phone IS DISTINCT FROM c.phone
        OR w.email IS DISTINCT FROM c.email OR w.tech <> c.tech
        OR NOT c.links @> w.links)
), settled AS (
    SELECT d.id, coalesce(f.fields, '{}') AS fields
    FROM differing d LEFT JOIN LATERAL (
        SELECT array_agg(field) AS fields FROM stated_facts
        WHERE company_id = d.id AND source <> %(source)s AND confidence >= %(confidence)s
          AND (org_id IS NULL OR org_id = %(org_id)s::uuid)) f ON true
), locked AS MATERIALIZED (
    SELECT c.* FROM (SELECT id FROM settled ORDER BY id) s
    CROSS JOIN LATERAL (SELECT * FROM companies WHERE id = s.id LIMIT 1 FOR NO KEY UPDATE) c
), proposed AS (
    SELECT c.id,
        CASE WHEN 'name' = ANY (s.fields) THEN c.name ELSE d.name END AS name,
        CASE WHEN 'name' = ANY (s.fields) THEN c.name_norm ELSE d.name_norm END AS name_norm,
        CASE WHEN 'company_number' = ANY (s.fields) THEN coalesce(c.company_number, d.company_number)
             ELSE coalesce(d.company_number, c.company_number) END AS company_number,
        CASE WHEN 'domain' = ANY (s.fields) THEN coalesce(c.domain, d.domain)
             ELSE coalesce(d.domain, c.domain) END AS domain,
        CASE WHEN 'status' = ANY (s.fields) THEN coalesce(c.status, d.status)
             ELSE coalesce(d.status, c.status) END AS status,
        CASE WHEN 'country' = ANY (s.fields) THEN coalesce(c.country, d.country)
             ELSE coalesce(d.country, c.country) END AS country,
        CASE WHEN 'region' = ANY (s.fields) THEN coalesce(c.region, d.region)
             ELSE coalesce(d.region, c.region) END AS region,
        CASE WHEN 'town' = ANY (s.fields) THEN coalesce(c.town, d.town)
             ELSE coalesce(d.town, c.town) END AS town,
        CASE WHEN d.sic_codes = '{}' OR ('sic_codes' = ANY (s.fields) AND c.sic_codes <> '{}')
             THEN c.sic_codes ELSE d.sic_codes END AS sic_codes,
        CASE WHEN d.industries = '{}' OR ('industries' = ANY (s.fields) AND c.industries <> '{}')
             THEN c.industries ELSE d.industries END AS industries,
        CASE WHEN 'employees' = ANY (s.fields) THEN coalesce(c.employees, d.employees)
             ELSE coalesce(d.employees, c.employees) END AS employees,
        CASE WHEN 'employees_band' = ANY (s.fields) THEN coalesce(c.employees_band, d.employees_band)
             ELSE coalesce(d.employees_band, c.employees_band) END AS employees_band,
        CASE WHEN 'founded_year' = ANY (s.fields) THEN coalesce(c.founded_year, d.founded_year)
             ELSE coalesce(d.founded_year, c.founded_year) END AS founded_year,
        CASE WHEN 'incorporated' = ANY (s.fields) THEN coalesce(c.incorporated, d.incorporated)
             ELSE coalesce(d.incorporated, c.incorporated) END AS incorporated,
        CASE WHEN 'description' = ANY (s.fields) THEN coalesce(c.description, d.description)
             ELSE coalesce(d.description, c.description) END AS description,
        CASE WHEN 'website' = ANY (s.fields) THEN coalesce(c.website, d.website)
             ELSE coalesce(d.website, c.website) END AS website,
        CASE WHEN 'linkedin_url' = ANY (s.fields) THEN coalesce(c.linkedin_url, d.linkedin_url)
             ELSE coalesce(d.linkedin_url, c.linkedin_url) END AS linkedin_url,
        CASE WHEN 'phone' = ANY (s.fields) THEN coalesce(c.phone, d.phone)
             ELSE coalesce(d.phone, c.phone) END AS phone,
        CASE WHEN 'email' = ANY (s.fields) THEN coalesce(c.email, d.email)
             ELSE coalesce(d.email, c.email) END AS email,
        CASE WHEN d.tech = '{}' OR ('tech' = ANY (s.fields) AND c.tech <> '{}')
             THEN c.tech ELSE d.tech END AS tech,
        CASE WHEN 'links' = ANY (s.fields) THEN d.links || c.links ELSE c.links || d.links END AS links
    FROM locked c JOIN differing d USING (id) JOIN settled s USING (id)
), updated AS (
    UPDATE companies c SET
        name = p.name, name_norm = p.name_norm, company_number = p.company_number,
        domain = p.domain, status = p.status, country = p.country, region = p.region,
        town = p.town, sic_codes = p.sic_codes, industries = p.industries,
        employees = p.employees, employees_band = p.employees_band,
        founded_year = p.founded_year, incorporated = p.incorporated,
        description = p.description, website = p.website, linkedin_url = p.linkedin_url,
        phone = p.phone, email = p.email, tech = p.tech, links = p.links,
        updated_at = oppspot_now()
    FROM proposed p
    WHERE c.id = p.id AND (c.name, c.name_norm, c.company_number, c.domain, c.status, c.country, c.region, c.town,
            c.sic_codes, c.industries, c.employees, c.employees_band, c.founded_year, c.incorporated,
            c.description, c.website, c.linkedin_url, c.phone, c.email, c.tech, c.links)
        IS DISTINCT FROM (p.name, p.name_norm, p.company_number, p.domain, p.status, p.country, p.region, p.town,
            p.sic_codes, p.industries, p.employees, p.employees_band, p.founded_year, p.incorporated,
            p.description, p.website, p.linkedin_url, p.phone, p.email, p.tech, p.links)
    RETURNING c.id
), stated AS MATERIALIZED (
    SELECT w.is_new, w.id AS company_id, w.source_url, w.employees_as_of, jsonb_strip_nulls(jsonb_build_object(
        'company_number', w.company_number, 'country', w.country, 'description', w.description,
        'domain', w.domain, 'email', w.email, 'employees', w.employees, 'employees_band', w.employees_band,
        'employees_text', w.employees_text, 'founded_year', w.founded_year, 'incorporated', w.incorporated,
        'industries', nullif(w.industries, '{}'), 'linkedin_url', w.linkedin_url, 'links', nullif(w.links, '{}'),
        'name', w.name, 'phone', w.phone, 'region', w.region, 'sic_codes', nullif(w.sic_codes, '{}'),
        'status', w.status, 'tech', nullif(w.tech, '{}'), 'town', w.town, 'website', w.website)) AS value
    FROM wanted w WHERE %(with_facts)s
), records_of_new AS (
    INSERT INTO facts (company_id, org_id, field, value, source, source_url, valid_from, confidence)
    SELECT company_id, %(org_id)s::uuid, '*', value, %(source)s, source_url, employees_as_of, %(confidence)s
    FROM stated WHERE is_new ORDER BY company_id
    RETURNING value
), records_of_old AS (
    INSERT INTO facts (company_id, org_id, field, value, source, source_url, valid_from, confidence)
    SELECT company_id, %(org_id)s::uuid, '*', value, %(source)s, source_url, employees_as_of, %(confidence)s
    FROM stated WHERE NOT is_new ORDER BY company_id
    ON CONFLICT DO NOTHING
    RETURNING value
)
SELECT (SELECT count(*) FROM found) AS staged,
       (SELECT count(*) FROM inserted) AS inserted,
       (SELECT count(*) FROM updated) AS updated,
       (SELECT count(*) FROM (TABLE records_of_new UNION ALL TABLE records_of_old) r
        CROSS JOIN LATERAL jsonb_object_keys(r.value)) AS facts,
       (SELECT coalesce(array_agg(source_id || ' ' || name), '{}') FROM found WHERE is_clash) AS clashes
