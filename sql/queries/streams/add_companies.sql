-- Companies that a public register knows, for every organisation to see. Who adds the same one at the
-- same time waits for the other and adds nothing.
INSERT INTO companies (source, source_id, company_number, name, name_norm, status, country, region, town,
    sic_codes, incorporated)
SELECT %(source)s, g.company_number, g.company_number, g.name, g.name_norm, g.status, g.country, g.region,
    g.town, g.sic_codes, g.incorporated
FROM jsonb_to_recordset(%(companies)s::jsonb) AS g (company_number text, name text, name_norm text,
    status text, country text, region text, town text, sic_codes text[], incorporated date)
ORDER BY g.company_number
ON CONFLICT DO NOTHING
