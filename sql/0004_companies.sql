-- Companies, and where every value about them comes from.
--
-- * A row of companies is what is believed now; org_id NULL belongs to nobody and is seen by every
--   organisation, any other row is seen by its own organisation only.
-- * facts is append-only: who said which value, where and when, and how far to trust it. The best
--   fact of a field is the one that companies shows. The same fact of the same source is one row.
-- * A company that turned out to be another one keeps its row and points to it with merged_into, so
--   that a merge can be undone.
--
-- The uuid of zeros stands for "no organisation" in unique indexes, because NULLs differ there.

SET LOCAL lock_timeout = '30s';

DO $$
DECLARE
    taken text;
BEGIN
    SELECT string_agg(format('%I', relname), ' and ' ORDER BY relname) INTO taken
    FROM pg_class
    WHERE relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = current_schema()) AND relname IN ('companies', 'facts');
    IF taken IS NOT NULL THEN
        RAISE EXCEPTION 'the schema % already holds % of another making', current_schema(), taken
            USING HINT = 'Set OPPSPOT_SCHEMA to a schema of our own, or rename what is there.';
    END IF;
END $$;

CREATE TABLE companies (
    id uuid PRIMARY KEY DEFAULT oppspot_uuid(),
    org_id uuid REFERENCES organizations (id),
    company_number text,
    name text NOT NULL,
    name_norm text NOT NULL DEFAULT '',
    domain text,
    status text,
    country text,
    region text,
    town text,
    sic_codes text[] NOT NULL DEFAULT '{}',
    industries text[] NOT NULL DEFAULT '{}',
    employees integer,
    employees_band text,
    founded_year integer,
    incorporated date,
    description text,
    website text,
    linkedin_url text,
    phone text,
    email text,
    tech text[] NOT NULL DEFAULT '{}',
    links jsonb NOT NULL DEFAULT '{}',
    source text,
    source_id text,
    merged_into uuid REFERENCES companies (id),
    created_at timestamptz NOT NULL DEFAULT oppspot_now(),
    updated_at timestamptz NOT NULL DEFAULT oppspot_now(),
    CONSTRAINT companies_name_check CHECK (name ~ '\S' AND length(name) <= 500),
    CONSTRAINT companies_name_norm_check CHECK (length(name_norm) <= 500),
    CONSTRAINT companies_number_check CHECK (company_number ~ '^[A-Z0-9][A-Z0-9./-]{0,39}$'),
    CONSTRAINT companies_domain_check CHECK (domain ~ '^[a-z0-9_-]+(\.[a-z0-9_-]+)+$' AND length(domain) <= 253),
    CONSTRAINT companies_status_check CHECK (status ~ '^[^A-Z]+$'),
    CONSTRAINT companies_country_check CHECK (country ~ '^[A-Z]{2}$'),
    CONSTRAINT companies_employees_check CHECK (employees > 0),
    CONSTRAINT companies_band_check CHECK (employees_band ~ '^\d+(-\d+|\+)$'),
    CONSTRAINT companies_founded_check CHECK (founded_year BETWEEN 500 AND 2200),
    CONSTRAINT companies_arrays_check CHECK (array_position(sic_codes, NULL) IS NULL
        AND array_position(industries, NULL) IS NULL AND array_position(tech, NULL) IS NULL),
    CONSTRAINT companies_links_check CHECK (jsonb_typeof(links) = 'object'),
    CONSTRAINT companies_source_check CHECK (source <> '' AND length(source) <= 200),
    CONSTRAINT companies_source_id_check CHECK (source_id IS NULL OR (source IS NOT NULL AND length(source_id) <= 300)),
    CONSTRAINT companies_merged_check CHECK (merged_into <> id)
);
COMMENT ON TABLE companies IS 'What is believed about each company now; facts says why.';
COMMENT ON COLUMN companies.org_id IS 'Who may see the row; NULL = every organisation.';
COMMENT ON COLUMN companies.name_norm IS 'The name without legal form, accents and punctuation, to find duplicates.';
COMMENT ON COLUMN companies.domain IS 'The registered domain of the website, never one of a platform that hosts many.';
COMMENT ON COLUMN companies.status IS 'active, inactive, acquired, public, dissolved, liquidation ...; NULL = not known.';
COMMENT ON COLUMN companies.country IS 'ISO 3166-1 alpha-2.';
COMMENT ON COLUMN companies.sic_codes IS 'UK SIC 2007 (five digits); codes of four digits are SIC 2003 and mean something else.';
COMMENT ON COLUMN companies.industries IS 'Labels in the form of a tag: lower case, words joined by hyphens, & written as and.';
COMMENT ON COLUMN companies.employees IS 'A head count that somebody stated; NULL = not known, never 0.';
COMMENT ON COLUMN companies.employees_band IS 'A range such as 11-50 or 10001+, stated or derived from employees.';
COMMENT ON COLUMN companies.source IS 'Which import or agent made the row; with source_id the key of upserts.';

CREATE UNIQUE INDEX companies_source_key ON companies
    (source, source_id, (coalesce(org_id, '00000000-0000-0000-0000-000000000000'::uuid)))
    WHERE source_id IS NOT NULL;
CREATE UNIQUE INDEX companies_number_key ON companies
    (company_number, (coalesce(org_id, '00000000-0000-0000-0000-000000000000'::uuid)))
    WHERE company_number IS NOT NULL;
CREATE INDEX companies_industries_idx ON companies USING gin (industries);
CREATE INDEX companies_sic_codes_idx ON companies USING gin (sic_codes);
CREATE INDEX companies_country_employees_idx ON companies (country, employees) WHERE merged_into IS NULL;
CREATE INDEX companies_domain_idx ON companies (domain) WHERE domain IS NOT NULL;
CREATE INDEX companies_name_norm_idx ON companies (name_norm);
CREATE INDEX companies_org_idx ON companies (org_id) WHERE org_id IS NOT NULL;
CREATE INDEX companies_merged_idx ON companies (merged_into) WHERE merged_into IS NOT NULL;

CREATE TABLE facts (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    company_id uuid NOT NULL REFERENCES companies (id) ON DELETE CASCADE,
    org_id uuid REFERENCES organizations (id),
    field text NOT NULL,
    value jsonb NOT NULL,
    source text NOT NULL,
    source_url text,
    observed_at timestamptz NOT NULL DEFAULT oppspot_now(),
    valid_from date,
    confidence real NOT NULL,
    CONSTRAINT facts_field_check CHECK (field <> '' AND length(field) <= 100),
    CONSTRAINT facts_value_check CHECK (jsonb_typeof(value) <> 'null'),
    CONSTRAINT facts_source_check CHECK (source <> '' AND length(source) <= 200),
    CONSTRAINT facts_confidence_check CHECK (confidence BETWEEN 0 AND 1)
);
COMMENT ON TABLE facts IS 'Who said which value about a company; append-only.';
COMMENT ON COLUMN facts.org_id IS 'Who may see the fact; NULL = every organisation.';
COMMENT ON COLUMN facts.valid_from IS 'The day for which the source states the value, such as the date of a head count.';
COMMENT ON COLUMN facts.confidence IS 'From 0 to 1: how far this source is trusted for this field.';

-- Also the way to read all facts of a field. md5 as uuid is half the size of its text.
CREATE UNIQUE INDEX facts_key ON facts (company_id, field, source,
    (coalesce(org_id, '00000000-0000-0000-0000-000000000000'::uuid)), (md5(value::text)::uuid));
CREATE INDEX facts_org_idx ON facts (org_id) WHERE org_id IS NOT NULL;

INSERT INTO oppspot_migrations (number, name, breaking, applied_at)
VALUES (4, 'companies', false, oppspot_now());
