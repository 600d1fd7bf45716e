-- Holds one batch of an import until it is merged. Dropped with the transaction, so that it also works
-- behind a pooler that gives each transaction another server connection. Compiling the merge (jit)
-- would take four times as long as running it.
SET LOCAL jit = off;
CREATE TEMPORARY TABLE import_rows (
    source_id text NOT NULL,
    company_number text,
    name text NOT NULL,
    name_norm text NOT NULL,
    domain text,
    status text,
    country text,
    region text,
    town text,
    sic_codes text[] NOT NULL,
    industries text[] NOT NULL,
    employees integer,
    employees_band text,
    employees_as_of date,
    employees_text text,
    founded_year integer,
    incorporated date,
    description text,
    website text,
    linkedin_url text,
    phone text,
    email text,
    tech text[] NOT NULL,
    links jsonb NOT NULL,
    source_url text
) ON COMMIT DROP
