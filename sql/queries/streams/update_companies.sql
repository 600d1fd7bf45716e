-- The best facts become what is believed: `changes` holds the columns that get another value.
UPDATE companies c SET
    (domain, status, country, region, town, sic_codes, industries, employees, employees_band,
    founded_year, incorporated, description, website, linkedin_url, phone, email, tech, links) =
    (SELECT p.domain, p.status, p.country, p.region, p.town, p.sic_codes, p.industries, p.employees,
    p.employees_band, p.founded_year, p.incorporated, p.description, p.website, p.linkedin_url, p.phone,
    p.email, p.tech, p.links
     FROM jsonb_populate_record(c, g.changes) p),
    updated_at = oppspot_now()
FROM jsonb_to_recordset(%(companies)s::jsonb) AS g (id uuid, changes jsonb)
WHERE c.id = g.id AND (c.org_id IS NULL OR c.org_id = %(org_id)s::uuid)
