-- People, as far as they are public or were supplied: who holds or held which office, whom an organisation
-- knows itself, and who is not to be approached.
--
-- * Every row is one organisation's. The same person of two organisations is two rows.
-- * A person is known by the ids of the register, else by name with month and year of birth, never by name alone.
-- * Offices at companies that are on record nowhere are kept too: what two people share is the number of a company.
-- * Whoever is forgotten leaves a digest in suppressions that nobody can read, and by which they stay forgotten.
--
-- The uuid of zeros stands for "no organisation" in indexes, because NULLs differ there.

SET LOCAL lock_timeout = '30s';

DO $$
DECLARE
    taken text;
BEGIN
    SELECT string_agg(format('%I', relname), ' and ' ORDER BY relname) INTO taken
    FROM pg_class
    WHERE relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = current_schema())
      AND relname IN ('people', 'appointments', 'contacts', 'suppressions', 'suppression_salt', 'relationship_checks',
        'contact_companies');
    IF taken IS NOT NULL THEN
        RAISE EXCEPTION 'the schema % already holds % of another making', current_schema(), taken
            USING HINT = 'Set OPPSPOT_SCHEMA to a schema of our own, or rename what is there.';
    END IF;
END $$;

CREATE TABLE people (
    id uuid PRIMARY KEY DEFAULT oppspot_uuid(),
    org_id uuid REFERENCES organizations (id),
    name text NOT NULL,
    name_norm text NOT NULL,
    birth_year smallint,
    birth_month smallint,
    register_ids text[] NOT NULL DEFAULT '{}',
    register_number text,
    nominee text,
    appointment_count integer,
    source text NOT NULL,
    source_url text,
    first_seen_at timestamptz NOT NULL DEFAULT oppspot_now(),
    last_seen_at timestamptz NOT NULL DEFAULT oppspot_now(),
    checked_at timestamptz,
    CONSTRAINT people_name_check CHECK (name ~ '\S' AND length(name) <= 300 AND length(name_norm) <= 300),
    CONSTRAINT people_birth_check CHECK ((birth_year IS NULL) = (birth_month IS NULL)
        AND birth_year BETWEEN 1800 AND 2200 AND birth_month BETWEEN 1 AND 12),
    CONSTRAINT people_nominee_check CHECK (nominee IN ('appointments', 'formation_agent', 'corporate')),
    CONSTRAINT people_source_check CHECK (source <> '' AND length(source) <= 200)
) WITH (fillfactor = 85);
COMMENT ON TABLE people IS 'People with an office in a company, as a public register names them.';
COMMENT ON COLUMN people.name_norm IS 'Given names before the family name, without titles, accents and capitals.';
COMMENT ON COLUMN people.register_ids IS 'The ids under which the register knows the person; it may have several.';
COMMENT ON COLUMN people.register_number IS 'Of an officer or owner that is a company itself: its number.';
COMMENT ON COLUMN people.nominee IS
    'Why what the person shares with others says nothing: more than 1,000 offices, a formation agent, a company. NULL: it does.';
COMMENT ON COLUMN people.appointment_count IS 'How many offices the register counted, also those that are not kept here.';
COMMENT ON COLUMN people.checked_at IS 'When the register was last asked for all offices of the person.';
CREATE INDEX people_register_ids_idx ON people USING gin (register_ids);
CREATE INDEX people_name_idx ON people (name_norm);
CREATE INDEX people_number_idx ON people (register_number) WHERE register_number IS NOT NULL;
CREATE INDEX people_seen_idx ON people (last_seen_at);

CREATE TABLE appointments (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    org_id uuid REFERENCES organizations (id),
    person_id uuid NOT NULL REFERENCES people (id) ON DELETE CASCADE,
    company_number text NOT NULL,
    company_name text NOT NULL,
    company_status text,
    company_id uuid REFERENCES companies (id) ON DELETE SET NULL,
    merged_from uuid,
    role text NOT NULL,
    occupation text,
    appointed_on date,
    resigned_on date,
    source text NOT NULL,
    source_url text,
    seen_at timestamptz NOT NULL DEFAULT oppspot_now(),
    CONSTRAINT appointments_number_check CHECK (company_number ~ '^[A-Z0-9][A-Z0-9./-]{0,39}$'),
    CONSTRAINT appointments_role_check CHECK (role ~ '^[a-z][a-z0-9-]{0,99}$'),
    CONSTRAINT appointments_source_check CHECK (source <> '' AND length(source) <= 200)
);
COMMENT ON TABLE appointments IS 'Which office a person holds or held in which company; an owner is one with the role of the register.';
COMMENT ON COLUMN appointments.company_number IS 'The number in the register; what people share is found by it.';
COMMENT ON COLUMN appointments.company_id IS 'The company, where it is on record. It follows merges.';
COMMENT ON COLUMN appointments.merged_from IS 'The company that it belongs to when the merge is taken back.';
CREATE UNIQUE INDEX appointments_key ON appointments
    (person_id, company_number, role, (coalesce(appointed_on, '-infinity')));
CREATE INDEX appointments_number_idx ON appointments
    (company_number, (coalesce(org_id, '00000000-0000-0000-0000-000000000000'::uuid)));
CREATE INDEX appointments_company_idx ON appointments (company_id) WHERE company_id IS NOT NULL;
CREATE INDEX appointments_merged_idx ON appointments (merged_from) WHERE merged_from IS NOT NULL;

CREATE TABLE contacts (
    id uuid PRIMARY KEY DEFAULT oppspot_uuid(),
    org_id uuid REFERENCES organizations (id),
    name text NOT NULL,
    name_norm text NOT NULL,
    email text,
    domain text,
    company text,
    company_norm text,
    title text,
    last_contact_at timestamptz,
    person_id uuid REFERENCES people (id) ON DELETE SET NULL,
    source text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT oppspot_now(),
    updated_at timestamptz NOT NULL DEFAULT oppspot_now(),
    CONSTRAINT contacts_name_check CHECK (name ~ '\S' AND length(name) <= 300 AND length(name_norm) <= 300),
    CONSTRAINT contacts_email_check CHECK (email ~ '^[^@\s]+@[^@\s]+$' AND length(email) <= 320 AND email = lower(email)),
    CONSTRAINT contacts_source_check CHECK (source <> '' AND length(source) <= 200)
) WITH (fillfactor = 85);
COMMENT ON TABLE contacts IS 'Whom an organisation knows itself, as it supplied them.';
COMMENT ON COLUMN contacts.domain IS 'The domain of the e-mail address where it is a company''s own; by it the contact belongs to a company.';
COMMENT ON COLUMN contacts.last_contact_at IS 'The older, the weaker is what the contact is good for.';
COMMENT ON COLUMN contacts.person_id IS 'The officer that the contact is: the only one of that name in the contact''s company.';
CREATE UNIQUE INDEX contacts_email_key ON contacts
    (email, (coalesce(org_id, '00000000-0000-0000-0000-000000000000'::uuid))) WHERE email IS NOT NULL;
CREATE UNIQUE INDEX contacts_name_key ON contacts
    (name_norm, (coalesce(company_norm, '')), (coalesce(org_id, '00000000-0000-0000-0000-000000000000'::uuid)))
    WHERE email IS NULL;
CREATE INDEX contacts_domain_idx ON contacts (domain) WHERE domain IS NOT NULL;
CREATE INDEX contacts_company_idx ON contacts (company_norm) WHERE company_norm IS NOT NULL;
CREATE INDEX contacts_updated_idx ON contacts (updated_at);
CREATE INDEX contacts_person_idx ON contacts (person_id) WHERE person_id IS NOT NULL;

CREATE VIEW contact_companies AS
SELECT k.id AS contact_id, k.org_id, c.id AS company_id, c.company_number
FROM contacts k
JOIN companies c ON c.domain = k.domain
WHERE c.merged_into IS NULL AND (c.org_id IS NULL OR c.org_id = k.org_id)
UNION ALL
SELECT k.id, k.org_id, c.id, c.company_number
FROM contacts k
JOIN companies c ON c.name_norm = k.company_norm
WHERE (c.domain IS NULL OR k.domain IS NULL) AND c.merged_into IS NULL AND (c.org_id IS NULL OR c.org_id = k.org_id)
  AND NOT EXISTS (SELECT FROM companies d WHERE d.name_norm = c.name_norm AND d.id <> c.id AND d.merged_into IS NULL
                  AND (d.org_id IS NULL OR d.org_id = k.org_id));
COMMENT ON VIEW contact_companies IS
    'Where contacts work: by the domain of the address, else by the name of the company, where only one has it.';

CREATE TABLE suppressions (
    id uuid PRIMARY KEY DEFAULT oppspot_uuid(),
    org_id uuid REFERENCES organizations (id),
    kind text NOT NULL,
    value text,
    digest text,
    reason text NOT NULL DEFAULT 'asked',
    created_by text,
    created_at timestamptz NOT NULL DEFAULT oppspot_now(),
    CONSTRAINT suppressions_kind_check CHECK (kind IN ('email', 'domain', 'person', 'company')),
    CONSTRAINT suppressions_value_check CHECK ((value IS NULL) <> (digest IS NULL) AND value <> '' AND length(value) <= 320),
    CONSTRAINT suppressions_digest_check CHECK (digest IS NULL OR (kind IN ('email', 'person') AND org_id IS NULL)),
    CONSTRAINT suppressions_reason_check CHECK (reason <> '' AND length(reason) <= 500)
);
COMMENT ON TABLE suppressions IS 'Who is not to be approached, and who was forgotten.';
COMMENT ON COLUMN suppressions.org_id IS 'For whom it holds; NULL: for every organisation.';
COMMENT ON COLUMN suppressions.value IS 'An e-mail address or domain in small letters, or the id of a person or company.';
COMMENT ON COLUMN suppressions.digest IS 'Stands for somebody who was forgotten: see forgotten_digest.';
CREATE UNIQUE INDEX suppressions_key ON suppressions
    (kind, (coalesce(value, digest)), (coalesce(org_id, '00000000-0000-0000-0000-000000000000'::uuid)));

-- Without it the digests could be compared with those of another database.
CREATE TABLE suppression_salt (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    salt text NOT NULL DEFAULT gen_random_uuid()::text || gen_random_uuid()::text
);
INSERT INTO suppression_salt DEFAULT VALUES;

CREATE FUNCTION forgotten_digest(what text) RETURNS text
LANGUAGE sql STABLE SET search_path FROM CURRENT AS
$$ SELECT encode(sha256(convert_to(s.salt || ' ' || $1, 'UTF8')), 'hex') FROM suppression_salt s $$;
COMMENT ON FUNCTION forgotten_digest IS
    'What stands in suppressions for `email jo@example.com`, `id ID` of the register, or `born NAME_NORM YEAR-MONTH`.';

CREATE TABLE relationship_checks (
    org_key uuid NOT NULL,
    company_id uuid NOT NULL REFERENCES companies (id) ON DELETE CASCADE,
    outcome text NOT NULL,
    checked_at timestamptz NOT NULL DEFAULT oppspot_now(),
    PRIMARY KEY (company_id, org_key),
    CONSTRAINT relationship_checks_outcome_check CHECK (outcome IN ('ok', 'not_found', 'error'))
) WITH (fillfactor = 85);
COMMENT ON TABLE relationship_checks IS 'When the register was last asked for the people of a company.';
COMMENT ON COLUMN relationship_checks.org_key IS 'The organisation, or the uuid of zeros.';

-- What is known of people follows their company into another one, and comes back.
CREATE FUNCTION move_appointments() RETURNS trigger
LANGUAGE plpgsql SET search_path FROM CURRENT AS
$$
BEGIN
    UPDATE appointments a SET company_id = coalesce(NEW.merged_into, NEW.id),
        merged_from = CASE WHEN NEW.merged_into IS NOT NULL THEN coalesce(a.merged_from, NEW.id) END
    WHERE a.merged_from = NEW.id OR (a.company_id = NEW.id AND NEW.merged_into IS NOT NULL);
    RETURN NULL;
END
$$;
CREATE TRIGGER companies_move_appointments AFTER UPDATE OF merged_into ON companies
    FOR EACH ROW WHEN (OLD.merged_into IS DISTINCT FROM NEW.merged_into) EXECUTE FUNCTION move_appointments();

-- Who was in office together with each of `nodes`, or is in a company of the same group, with how strong that tie is.
-- `beside` is never a nominee. Of two offices that overlapped until somebody left the tie halves every `half_life` years.
CREATE FUNCTION people_beside(org uuid, nodes uuid[], fellow float8, former float8, half_life float8, kindred float8)
RETURNS TABLE (node uuid, beside uuid, tie text, strength float8, company_number text, company_name text, until date)
LANGUAGE sql STABLE SET search_path FROM CURRENT AS
$$
    WITH today AS (SELECT oppspot_now()::date AS day),
    seat AS MATERIALIZED (
        SELECT a.person_id, a.company_number, a.company_name, a.resigned_on,
            a.resigned_on IS NULL AND a.company_status IS DISTINCT FROM 'dissolved' AS open,
            coalesce(a.appointed_on, a.resigned_on, t.day) AS since
        FROM appointments a JOIN people p ON p.id = a.person_id CROSS JOIN today t
        WHERE a.person_id = ANY (nodes) AND p.nominee IS NULL
    ), shared AS (
        SELECT s.person_id AS node, a.person_id AS beside, s.company_number, s.company_name,
            s.open AND a.resigned_on IS NULL AS open, least(s.resigned_on, a.resigned_on) AS until
        FROM seat s
        JOIN appointments a ON a.company_number = s.company_number AND a.person_id <> s.person_id
            AND coalesce(a.org_id, '00000000-0000-0000-0000-000000000000'::uuid)
                = coalesce(org, '00000000-0000-0000-0000-000000000000'::uuid)
        CROSS JOIN today t
        WHERE coalesce(a.appointed_on, a.resigned_on, t.day) <= coalesce(s.resigned_on, 'infinity')
          AND s.since <= coalesce(a.resigned_on, 'infinity')
    ), place AS MATERIALIZED (
        SELECT DISTINCT s.company_number AS here FROM seat s WHERE s.open
    ), parent AS MATERIALIZED (
        SELECT h.here, p.register_number AS there
        FROM place h
        JOIN appointments a ON a.company_number = h.here AND a.resigned_on IS NULL
            AND coalesce(a.org_id, '00000000-0000-0000-0000-000000000000'::uuid)
                = coalesce(org, '00000000-0000-0000-0000-000000000000'::uuid)
        JOIN people p ON p.id = a.person_id AND p.register_number IS NOT NULL
        WHERE a.role ~ '(significant-control|beneficial-owner)$'
    ), child AS (
        SELECT f.here, a.company_number AS there
        FROM (SELECT h.here, h.here AS parent FROM place h UNION SELECT p.here, p.there FROM parent p) f
        JOIN people p ON p.register_number = f.parent AND p.org_id IS NOT DISTINCT FROM org
        JOIN appointments a ON a.person_id = p.id AND a.resigned_on IS NULL AND a.company_number <> f.here
        WHERE a.role ~ '(significant-control|beneficial-owner)$'
    ), kin AS (
        SELECT p.here, p.there FROM parent p UNION SELECT c.here, c.there FROM child c
    ), related AS (
        SELECT s.person_id AS node, a.person_id AS beside, a.company_number, a.company_name
        FROM seat s
        JOIN kin k ON k.here = s.company_number
        JOIN appointments a ON a.company_number = k.there AND a.resigned_on IS NULL AND a.person_id <> s.person_id
            AND coalesce(a.org_id, '00000000-0000-0000-0000-000000000000'::uuid)
                = coalesce(org, '00000000-0000-0000-0000-000000000000'::uuid)
        WHERE s.open
    ), found AS (
        SELECT f.node, f.beside, CASE WHEN f.open THEN 'fellow' ELSE 'former' END AS tie,
            CASE WHEN f.open THEN fellow
                 ELSE former * power(0.5, coalesce((t.day - f.until) / 365.25, half_life) / half_life) END AS strength,
            f.company_number, f.company_name, CASE WHEN NOT f.open THEN f.until END AS until
        FROM shared f CROSS JOIN today t
        UNION ALL
        SELECT r.node, r.beside, 'group', kindred, r.company_number, r.company_name, NULL FROM related r
    )
    SELECT DISTINCT ON (f.node, f.beside) f.node, f.beside, f.tie, f.strength, f.company_number, f.company_name, f.until
    FROM found f JOIN people p ON p.id = f.beside AND p.nominee IS NULL
    ORDER BY f.node, f.beside, f.strength DESC, f.company_number
$$;

-- Puts [forgotten] for what `pattern` finds, in the texts and JSON of those of the tables that there are. Columns of an index
-- are keys and states: they hold no names. A column in which nothing is found is not written, and wakes no trigger.
CREATE FUNCTION blank_words(pattern text, tables text[]) RETURNS TABLE (place text, changed bigint)
LANGUAGE plpgsql SET search_path FROM CURRENT AS
$$
DECLARE
    one record;
BEGIN
    FOR one IN
        SELECT c.relname AS table_name, a.attname AS column_name, format_type(a.atttypid, NULL) AS type
        FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
        WHERE c.relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = current_schema())
          AND c.relname = ANY (tables) AND c.relkind = 'r' AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
          AND a.atttypid IN ('text'::regtype, 'varchar'::regtype, 'jsonb'::regtype)
          AND NOT EXISTS (SELECT FROM pg_index i WHERE i.indrelid = c.oid AND a.attnum = ANY (i.indkey))
        ORDER BY c.relname, a.attnum
    LOOP
        EXECUTE format('UPDATE %1$I SET %2$I = regexp_replace(%2$I::text, $1, $2, $3)::%3$s WHERE %2$I::text ~* $1',
            one.table_name, one.column_name, one.type) USING pattern, '[forgotten]', 'gi';
        GET DIAGNOSTICS changed = ROW_COUNT;
        place := one.table_name;
        IF changed > 0 THEN
            RETURN NEXT;
        END IF;
    END LOOP;
END
$$;

INSERT INTO oppspot_migrations (number, name, breaking, applied_at)
VALUES (42, 'people', false, oppspot_now());
