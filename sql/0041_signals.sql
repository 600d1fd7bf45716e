-- Buying signals: what says that now is the time to speak to a company, who saw it where, which jobs are
-- open, and who looked when.
--
-- * A signal is one event at one company. What several sources tell of it are its sightings; each has a key
--   there, so that it is one sighting however often it is seen, and an event one signal whoever tells of it.
-- * A signal fades: it expires after four half-lives of its type. What is not sure enough waits as
--   `unconfirmed`, until a further source is found. What people decided (acted_upon, false_positive) stays.
-- * signal_watches says what each look remembered. A look that failed changes nothing but the time and the
--   reason: only what was seen can close a job, and only looks that found nothing can, three in a row.
-- * All rows belong to one organisation, or to nobody, also where the company is everybody's.
--
-- The uuid of zeros stands for "no organisation" in unique indexes, because NULLs differ there.

SET LOCAL lock_timeout = '30s';

DO $$
DECLARE
    taken text;
BEGIN
    SELECT string_agg(format('%I', relname), ' and ' ORDER BY relname) INTO taken
    FROM pg_class
    WHERE relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = current_schema())
      AND relname IN ('buying_signals', 'signal_sightings', 'job_postings', 'signal_watches');
    IF taken IS NOT NULL THEN
        RAISE EXCEPTION 'the schema % already holds % of another making', current_schema(), taken
            USING HINT = 'Set OPPSPOT_SCHEMA to a schema of our own, or rename what is there.';
    END IF;
END $$;

CREATE TABLE buying_signals (
    id uuid PRIMARY KEY DEFAULT oppspot_uuid(),
    org_id uuid REFERENCES organizations (id),
    company_id uuid NOT NULL REFERENCES companies (id) ON DELETE CASCADE,
    signal_type text NOT NULL,
    strength text NOT NULL DEFAULT 'moderate',
    confidence smallint NOT NULL DEFAULT 100,
    title text NOT NULL,
    event text NOT NULL DEFAULT '',
    status text NOT NULL DEFAULT 'active',
    occurred_at timestamptz NOT NULL DEFAULT oppspot_now(),
    detected_at timestamptz NOT NULL DEFAULT oppspot_now(),
    last_seen_at timestamptz NOT NULL DEFAULT oppspot_now(),
    expires_at timestamptz NOT NULL,
    detected_by uuid REFERENCES ai_agents (id) ON DELETE SET NULL,
    task_id uuid,
    decided_by text,
    decided_at timestamptz,
    data jsonb NOT NULL DEFAULT '{}',
    CONSTRAINT buying_signals_type_check CHECK (signal_type ~ '^[a-z][a-z0-9_]{0,62}$'),
    CONSTRAINT buying_signals_strength_check CHECK (strength IN ('very_strong', 'strong', 'moderate', 'weak')),
    CONSTRAINT buying_signals_confidence_check CHECK (confidence BETWEEN 0 AND 100),
    CONSTRAINT buying_signals_title_check CHECK (title ~ '\S' AND length(title) <= 500),
    CONSTRAINT buying_signals_event_check CHECK (length(event) <= 500),
    CONSTRAINT buying_signals_status_check CHECK (
        status IN ('active', 'acted_upon', 'expired', 'false_positive', 'unconfirmed')),
    CONSTRAINT buying_signals_data_check CHECK (jsonb_typeof(data) = 'object')
) WITH (fillfactor = 80);
COMMENT ON TABLE buying_signals IS 'Events at companies that say that now is the time to speak to them, each once.';
COMMENT ON COLUMN buying_signals.org_id IS 'Whose agents saw it; NULL = those of no organisation.';
COMMENT ON COLUMN buying_signals.signal_type IS 'funding_round, executive_change, job_posting, technology_adoption ...';
COMMENT ON COLUMN buying_signals.strength IS 'What it says for a company if it is true: very_strong, strong, moderate, weak.';
COMMENT ON COLUMN buying_signals.confidence IS 'From 0 to 100: how sure it is that it happened to this company, by all sources together.';
COMMENT ON COLUMN buying_signals.event IS
    'What tells events of one type apart, such as a job title; empty where a company has one in 45 days.';
COMMENT ON COLUMN buying_signals.status IS
    'unconfirmed = below the threshold of who saw it; acted_upon and false_positive are what people decided.';
COMMENT ON COLUMN buying_signals.occurred_at IS 'The earliest time that a source gives; never in the future.';
COMMENT ON COLUMN buying_signals.expires_at IS 'Four half-lives of its type after occurred_at.';
COMMENT ON COLUMN buying_signals.detected_by IS 'The agent by which it came to count.';
COMMENT ON COLUMN buying_signals.task_id IS 'The task of that agent; the row may be pruned earlier than the signal.';
COMMENT ON COLUMN buying_signals.data IS 'What else its sources tell; closed_at of a job that is offered no more.';
CREATE INDEX buying_signals_company_idx ON buying_signals (company_id, occurred_at);
CREATE INDEX buying_signals_expiry_idx ON buying_signals (expires_at);

CREATE TABLE signal_sightings (
    signal_id uuid NOT NULL REFERENCES buying_signals (id) ON DELETE CASCADE,
    org_id uuid REFERENCES organizations (id),
    company_id uuid NOT NULL REFERENCES companies (id) ON DELETE CASCADE,
    signal_type text NOT NULL,
    source text NOT NULL,
    key text NOT NULL,
    url text,
    confidence smallint NOT NULL,
    first_seen_at timestamptz NOT NULL DEFAULT oppspot_now(),
    last_seen_at timestamptz NOT NULL DEFAULT oppspot_now(),
    PRIMARY KEY (signal_id, source, key),
    CONSTRAINT signal_sightings_source_check CHECK (source <> '' AND length(source) <= 100),
    CONSTRAINT signal_sightings_key_check CHECK (key <> '' AND length(key) <= 300),
    CONSTRAINT signal_sightings_confidence_check CHECK (confidence BETWEEN 0 AND 100)
) WITH (fillfactor = 80);
COMMENT ON TABLE signal_sightings IS 'Which sources tell of a signal, and when they were last seen to.';
COMMENT ON COLUMN signal_sightings.key IS 'What the event is called at its source.';
COMMENT ON COLUMN signal_sightings.confidence IS 'From 0 to 100, by this source alone.';
CREATE UNIQUE INDEX signal_sightings_key ON signal_sightings
    (company_id, signal_type, source, key, (coalesce(org_id, '00000000-0000-0000-0000-000000000000'::uuid)));

CREATE TABLE job_postings (
    id uuid PRIMARY KEY DEFAULT oppspot_uuid(),
    org_id uuid REFERENCES organizations (id),
    company_id uuid NOT NULL REFERENCES companies (id) ON DELETE CASCADE,
    watcher text NOT NULL,
    service text NOT NULL,
    board text NOT NULL,
    external_id text NOT NULL,
    title text NOT NULL,
    department text,
    location text,
    url text,
    published_at timestamptz,
    first_seen_at timestamptz NOT NULL DEFAULT oppspot_now(),
    last_seen_at timestamptz NOT NULL DEFAULT oppspot_now(),
    closed_at timestamptz,
    CONSTRAINT job_postings_key_check CHECK (service <> '' AND external_id <> ''
        AND length(service) <= 100 AND length(board) <= 200 AND length(external_id) <= 300)
) WITH (fillfactor = 80);
COMMENT ON TABLE job_postings IS 'Jobs that companies offer or offered, as the organisation''s agents saw them.';
COMMENT ON COLUMN job_postings.watcher IS 'Which kind of look saw it.';
COMMENT ON COLUMN job_postings.board IS 'What the company is called at the service.';
COMMENT ON COLUMN job_postings.closed_at IS 'When it was seen to be gone; NULL: it is open.';
CREATE UNIQUE INDEX job_postings_key ON job_postings
    (company_id, service, board, external_id, (coalesce(org_id, '00000000-0000-0000-0000-000000000000'::uuid)));
CREATE INDEX job_postings_closed_idx ON job_postings (closed_at) WHERE closed_at IS NOT NULL;

CREATE TABLE signal_watches (
    org_id uuid REFERENCES organizations (id),
    company_id uuid NOT NULL REFERENCES companies (id) ON DELETE CASCADE,
    watcher text NOT NULL,
    state jsonb NOT NULL DEFAULT '{}',
    misses integer NOT NULL DEFAULT 0,
    looked_at timestamptz,
    checked_at timestamptz NOT NULL DEFAULT oppspot_now(),
    outcome text NOT NULL,
    error_code text,
    CONSTRAINT signal_watches_watcher_check CHECK (watcher ~ '^[a-z][a-z0-9_]{0,62}$'),
    CONSTRAINT signal_watches_state_check CHECK (jsonb_typeof(state) = 'object'),
    CONSTRAINT signal_watches_outcome_check CHECK (outcome IN ('ok', 'gone', 'nothing', 'error')),
    CONSTRAINT signal_watches_error_check CHECK ((error_code IS NOT NULL) = (outcome = 'error'))
) WITH (fillfactor = 80);
COMMENT ON TABLE signal_watches IS 'Who looked at a company when, and what is remembered for the next look.';
COMMENT ON COLUMN signal_watches.state IS 'What the last look left for the next one. Deleting the row lets it begin anew.';
COMMENT ON COLUMN signal_watches.misses IS 'How many looks in a row found gone what they look at.';
COMMENT ON COLUMN signal_watches.looked_at IS 'When a look last saw something there; NULL: none has.';
COMMENT ON COLUMN signal_watches.checked_at IS 'When the last look was, whatever came of it.';
COMMENT ON COLUMN signal_watches.outcome IS
    'ok, gone (what was there is not any more), nothing (it says nothing about such a company), error.';
CREATE UNIQUE INDEX signal_watches_key ON signal_watches
    (company_id, watcher, (coalesce(org_id, '00000000-0000-0000-0000-000000000000'::uuid)));

INSERT INTO oppspot_migrations (number, name, breaking, applied_at)
VALUES (41, 'signals', false, oppspot_now());
