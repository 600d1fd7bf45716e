-- Columns in the order in which batches are written.
COPY import_rows (source_id, company_number, name, name_norm, domain, status, country, region, town,
    sic_codes, industries, employees, employees_band, employees_as_of, employees_text, founded_year, incorporated,
    description, website, linkedin_url, phone, email, tech, links, source_url) FROM STDIN
