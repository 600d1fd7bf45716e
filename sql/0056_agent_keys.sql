-- Keys of single agents for the providers of their models, encrypted by the program under OPPSPOT_SECRET_KEY: whoever
-- has the database alone has no key. They are in a table of their own, so that no statement about agents reads them.

SET LOCAL lock_timeout = '30s';

CREATE TABLE agent_keys (
    agent_id uuid PRIMARY KEY REFERENCES ai_agents (id) ON DELETE CASCADE,
    provider text NOT NULL CHECK (provider <> ''),
    sealed text NOT NULL CHECK (sealed <> ''),
    stored_at timestamptz NOT NULL DEFAULT oppspot_now()
);
COMMENT ON TABLE agent_keys IS 'API keys that agents have for themselves, encrypted; see the guide on language models.';
COMMENT ON COLUMN agent_keys.provider IS 'Of whose models: the key is sent to nobody else.';
COMMENT ON COLUMN agent_keys.sealed IS 'A Fernet token. The agent''s id is in it: of another agent it is of no use.';

-- Requests of an organisation say that a key is there, and replace it. What it is they do not read.
INSERT INTO access_rules (name, verbs, reads, changes) VALUES
    ('agent_keys', 'SELECT (agent_id, provider, stored_at), INSERT, DELETE',
     'agent_id = ANY (ARRAY(SELECT a.id FROM ai_agents a WHERE a.org_id = (SELECT oppspot_api_org())))', NULL);
SELECT arrange_access();

INSERT INTO oppspot_migrations (number, name, breaking, applied_at)
VALUES (56, 'agent_keys', false, oppspot_now());
