-- What agents find for a stream: its companies in order (stream_items), what was noticed
-- (stream_insights), and who was asked about which company when (enrichment_checks).
--
-- * A company is in a stream once; whoever comes second finds that it is there already.
-- * A score is kept with all that explains it: the reasons, whose points add up to it exactly, what
--   is missing, what changed since the last one, and the day from which it can be computed again.
-- * Positions run from 1 without a gap after each scoring. They are not unique by a constraint: one
--   statement renumbers them all, and a new company has none yet.

SET LOCAL lock_timeout = '30s';

DO $$
DECLARE
    taken text;
BEGIN
    SELECT string_agg(format('%I', relname), ' and ' ORDER BY relname) INTO taken
    FROM pg_class
    WHERE relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = current_schema())
      AND relname IN ('stream_items', 'stream_insights', 'enrichment_checks');
    IF taken IS NOT NULL THEN
        RAISE EXCEPTION 'the schema % already holds % of another making', current_schema(), taken
            USING HINT = 'Set OPPSPOT_SCHEMA to a schema of our own, or rename what is there.';
    END IF;
END $$;

CREATE TABLE stream_items (
    id uuid PRIMARY KEY DEFAULT oppspot_uuid(),
    stream_id uuid NOT NULL REFERENCES streams (id) ON DELETE CASCADE,
    company_id uuid NOT NULL REFERENCES companies (id) ON DELETE CASCADE,
    quality_score numeric(4, 2),
    score_confidence numeric(3, 2),
    score_stage text,
    score_parts jsonb,
    score_reasons jsonb NOT NULL DEFAULT '[]',
    score_missing jsonb NOT NULL DEFAULT '[]',
    score_changed jsonb,
    model_version text,
    scored_at timestamptz,
    priority text,
    position integer,
    stage_id text,
    metadata jsonb NOT NULL DEFAULT '{}',
    agent_id uuid REFERENCES ai_agents (id) ON DELETE SET NULL,
    enriched_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT oppspot_now(),
    updated_at timestamptz NOT NULL DEFAULT oppspot_now(),
    CONSTRAINT stream_items_company_key UNIQUE (stream_id, company_id),
    CONSTRAINT stream_items_score_check CHECK (quality_score BETWEEN 0 AND 5),
    CONSTRAINT stream_items_confidence_check CHECK (score_confidence BETWEEN 0 AND 1),
    CONSTRAINT stream_items_stage_check CHECK (score_stage IN ('discovery', 'enriched', 'full')),
    CONSTRAINT stream_items_priority_check CHECK (priority IN ('critical', 'high', 'medium', 'low')),
    CONSTRAINT stream_items_position_check CHECK (position > 0),
    CONSTRAINT stream_items_reasons_check CHECK (jsonb_typeof(score_reasons) = 'array'
        AND jsonb_typeof(score_missing) = 'array'),
    CONSTRAINT stream_items_metadata_check CHECK (jsonb_typeof(metadata) = 'object'),
    -- A score without its priority, confidence and time could not be explained.
    CONSTRAINT stream_items_scored_check CHECK (
        (quality_score IS NULL) = (priority IS NULL) AND (quality_score IS NULL) = (score_confidence IS NULL)
        AND (quality_score IS NULL) = (scored_at IS NULL))
) WITH (fillfactor = 80);
COMMENT ON TABLE stream_items IS 'The companies of a stream, with their scores and places.';
COMMENT ON COLUMN stream_items.quality_score IS 'From 0 to 5; NULL = not scored yet.';
COMMENT ON COLUMN stream_items.score_confidence IS 'From 0 to 1: how much of what the goal asks for is known, how well and how freshly.';
COMMENT ON COLUMN stream_items.score_stage IS
    'discovery = only criteria and completeness counted; full = enrichment and signals too.';
COMMENT ON COLUMN stream_items.score_parts IS 'The components, each from 0 to 1, before they were weighted.';
COMMENT ON COLUMN stream_items.score_reasons IS 'A list; the points of its entries add up to quality_score exactly.';
COMMENT ON COLUMN stream_items.score_missing IS 'What would raise the score if it were known, and by how much.';
COMMENT ON COLUMN stream_items.score_changed IS 'What the last change of the score was, and which components caused it.';
COMMENT ON COLUMN stream_items.model_version IS 'Which formula and weights gave the score.';
COMMENT ON COLUMN stream_items.scored_at IS 'When the score was last computed to another result; ages of facts count from here.';
COMMENT ON COLUMN stream_items.stage_id IS 'Free for the people who work on the stream; no agent writes it.';
COMMENT ON COLUMN stream_items.metadata IS 'Free; agents only add keys to it, in SQL, so that two writers lose nothing.';
COMMENT ON COLUMN stream_items.agent_id IS 'The agent that found the company for this stream.';
CREATE INDEX stream_items_company_idx ON stream_items (company_id);

CREATE TABLE stream_insights (
    id uuid PRIMARY KEY DEFAULT oppspot_uuid(),
    stream_id uuid NOT NULL REFERENCES streams (id) ON DELETE CASCADE,
    org_id uuid REFERENCES organizations (id),
    agent_id uuid REFERENCES ai_agents (id) ON DELETE SET NULL,
    task_id uuid,
    execution_id uuid,
    kind text NOT NULL,
    title text NOT NULL,
    evidence jsonb NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT oppspot_now(),
    CONSTRAINT stream_insights_kind_check CHECK (kind ~ '^[a-z][a-z0-9_]{0,62}$'),
    CONSTRAINT stream_insights_title_check CHECK (title <> ''),
    CONSTRAINT stream_insights_evidence_check CHECK (jsonb_typeof(evidence) = 'object')
);
COMMENT ON TABLE stream_insights IS 'What agents noticed about a stream, with the evidence for it.';
COMMENT ON COLUMN stream_insights.task_id IS 'The task that noticed it; the row may be pruned earlier than the insight.';
CREATE INDEX stream_insights_stream_idx ON stream_insights (stream_id, created_at DESC);

CREATE TABLE enrichment_checks (
    company_id uuid NOT NULL REFERENCES companies (id) ON DELETE CASCADE,
    provider text NOT NULL,
    outcome text NOT NULL,
    checked_at timestamptz NOT NULL DEFAULT oppspot_now(),
    facts_seen bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (company_id, provider),
    CONSTRAINT enrichment_checks_provider_check CHECK (provider ~ '^[a-z][a-z0-9_]{0,62}$'),
    CONSTRAINT enrichment_checks_outcome_check CHECK (outcome IN ('ok', 'not_found', 'error', 'cached'))
) WITH (fillfactor = 80);
COMMENT ON TABLE enrichment_checks IS
    'When a provider was last asked about a company, so that it is not asked again too soon.';
COMMENT ON COLUMN enrichment_checks.facts_seen IS 'The newest fact at that time; a newer one makes the company due again.';

INSERT INTO oppspot_migrations (number, name, breaking, applied_at)
VALUES (5, 'streams', false, oppspot_now());
