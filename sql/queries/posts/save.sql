-- Posts of one platform, each once for an organisation. Tells the new ones from those that were there (xmax).
WITH given AS MATERIALIZED (
    SELECT g.* FROM jsonb_to_recordset(%(posts)s::jsonb) AS g (external_id text, title text, link text, url text,
        author text, community text, "text" text, score integer, comments integer, posted_at timestamptz,
        removed boolean, relevance real, reasons jsonb, intents jsonb, payload jsonb, companies jsonb)
), saved AS (
    INSERT INTO source_items AS i (org_id, platform, external_id, title, link, url, author, community, text, score,
        comments, posted_at, removed, relevance, reasons, intents, payload, agent_id)
    SELECT %(org_id)s::uuid, %(platform)s, g.external_id, g.title, g.link, g.url, g.author, g.community, g.text,
        g.score, g.comments, g.posted_at, g.removed, g.relevance, g.reasons, g.intents, g.payload, %(agent_id)s::uuid
    FROM given g
    ON CONFLICT (platform, external_id, (coalesce(org_id, '00000000-0000-0000-0000-000000000000'::uuid)))
    DO UPDATE SET (title, link, url, author, community, text, score, comments, removed, relevance, reasons, intents,
        payload, last_seen_at) = (excluded.title, excluded.link, excluded.url, excluded.author, excluded.community,
        excluded.text, excluded.score, excluded.comments, excluded.removed, excluded.relevance, excluded.reasons,
        excluded.intents, excluded.payload, oppspot_now())
    RETURNING i.id, i.external_id, (i.xmax = 0) AS is_new
), linked AS (
    INSERT INTO source_item_companies (item_id, company_id, matched_by, found)
    SELECT s.id, c.id, m.matched_by, m.found
    FROM saved s
    JOIN given g ON g.external_id = s.external_id
    CROSS JOIN LATERAL jsonb_to_recordset(g.companies) AS m (company_id uuid, matched_by text, found text)
    JOIN companies c ON c.id = m.company_id AND (c.org_id IS NULL OR c.org_id = %(org_id)s::uuid)
    ON CONFLICT DO NOTHING
)
SELECT external_id, is_new FROM saved
