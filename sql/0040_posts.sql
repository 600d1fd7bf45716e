-- What people write on platforms, as agents found it: posts of Reddit, stories of Hacker News.
--
-- * One table for all platforms: a post has a title, an author, a score and a time wherever it was
--   written, and what compares platforms needs no union. What one platform alone has is in `payload`.
-- * An organisation has a post once, whichever of its agents found it. Seeing it again brings score,
--   comments and words up to date: what an author deleted there is not kept here.
-- * source_cursors says how far an agent has read a source; it only moves forward, so that two runs at
--   once cannot move it back.
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
      AND relname IN ('source_items', 'source_item_companies', 'source_cursors');
    IF taken IS NOT NULL THEN
        RAISE EXCEPTION 'the schema % already holds % of another making', current_schema(), taken
            USING HINT = 'Set OPPSPOT_SCHEMA to a schema of our own, or rename what is there.';
    END IF;
END $$;

CREATE TABLE source_items (
    id uuid PRIMARY KEY DEFAULT oppspot_uuid(),
    org_id uuid REFERENCES organizations (id),
    platform text NOT NULL,
    external_id text NOT NULL,
    title text NOT NULL,
    link text NOT NULL,
    url text,
    author text,
    community text,
    text text NOT NULL DEFAULT '',
    score integer NOT NULL DEFAULT 0,
    comments integer NOT NULL DEFAULT 0,
    posted_at timestamptz NOT NULL,
    removed boolean NOT NULL DEFAULT false,
    relevance real,
    reasons jsonb NOT NULL DEFAULT '[]',
    intents jsonb NOT NULL DEFAULT '[]',
    payload jsonb NOT NULL DEFAULT '{}',
    agent_id uuid REFERENCES ai_agents (id) ON DELETE SET NULL,
    first_seen_at timestamptz NOT NULL DEFAULT oppspot_now(),
    last_seen_at timestamptz NOT NULL DEFAULT oppspot_now(),
    CONSTRAINT source_items_platform_check CHECK (platform ~ '^[a-z][a-z0-9_]{0,62}$'),
    CONSTRAINT source_items_external_id_check CHECK (external_id <> '' AND length(external_id) <= 200),
    CONSTRAINT source_items_link_check CHECK (link ~ '^https?://'),
    CONSTRAINT source_items_comments_check CHECK (comments >= 0),
    CONSTRAINT source_items_relevance_check CHECK (relevance BETWEEN 0 AND 100),
    CONSTRAINT source_items_lists_check CHECK (jsonb_typeof(reasons) = 'array' AND jsonb_typeof(intents) = 'array'),
    CONSTRAINT source_items_payload_check CHECK (jsonb_typeof(payload) = 'object')
) WITH (fillfactor = 85);
COMMENT ON TABLE source_items IS 'Posts that agents found on platforms, each once for an organisation.';
COMMENT ON COLUMN source_items.platform IS 'reddit, hackernews, or that of an agent of your own.';
COMMENT ON COLUMN source_items.external_id IS 'Its id there.';
COMMENT ON COLUMN source_items.link IS 'Where the post can be read; url is what it points to.';
COMMENT ON COLUMN source_items.community IS 'A subreddit or the like; NULL where the platform has none.';
COMMENT ON COLUMN source_items.removed IS 'Its author or a moderator took it away; its words are gone here too.';
COMMENT ON COLUMN source_items.relevance IS 'From 0 to 100 for what its agent looks for; the points of reasons add up to it.';
COMMENT ON COLUMN source_items.intents IS 'What its author seems to want: the rule that matched, its words, and where they stand.';
COMMENT ON COLUMN source_items.payload IS 'What else came with it.';
COMMENT ON COLUMN source_items.agent_id IS 'The agent that found it first.';

CREATE UNIQUE INDEX source_items_key ON source_items
    (platform, external_id, (coalesce(org_id, '00000000-0000-0000-0000-000000000000'::uuid)));
CREATE INDEX source_items_posted_idx ON source_items (platform, posted_at);

CREATE TABLE source_item_companies (
    item_id uuid NOT NULL REFERENCES source_items (id) ON DELETE CASCADE,
    company_id uuid NOT NULL REFERENCES companies (id) ON DELETE CASCADE,
    matched_by text NOT NULL,
    found text NOT NULL,
    PRIMARY KEY (item_id, company_id),
    CONSTRAINT source_item_companies_matched_check CHECK (matched_by IN ('domain', 'name'))
);
COMMENT ON TABLE source_item_companies IS 'Which companies a post is about.';
COMMENT ON COLUMN source_item_companies.matched_by IS 'domain: it links to the company; name: it says the distinctive name.';
COMMENT ON COLUMN source_item_companies.found IS 'The domain, or the name as it is written there.';
CREATE INDEX source_item_companies_company_idx ON source_item_companies (company_id);

CREATE TABLE source_cursors (
    agent_id uuid NOT NULL REFERENCES ai_agents (id) ON DELETE CASCADE,
    source text NOT NULL,
    seen_until timestamptz NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT oppspot_now(),
    PRIMARY KEY (agent_id, source),
    CONSTRAINT source_cursors_source_check CHECK (source <> '' AND length(source) <= 300)
);
COMMENT ON TABLE source_cursors IS 'How far an agent has read what a source has. Deleting a row lets it begin anew.';
COMMENT ON COLUMN source_cursors.source IS 'The platform, a colon, and what the agent asks for there.';
COMMENT ON COLUMN source_cursors.seen_until IS 'When the newest post was written that it has seen.';

INSERT INTO oppspot_migrations (number, name, breaking, applied_at)
VALUES (40, 'posts', false, oppspot_now());
