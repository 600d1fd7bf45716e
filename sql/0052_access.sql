-- Who may see and change what through HTTP: tokens, the record of changes, requests that are not done twice.
--
-- * A token is shown once, when it is made; here is only its SHA-256. It belongs to an organisation, or to
--   nobody: that one is for operators, who see everything, also rows of no organisation.
-- * A request runs in one transaction, which says by oppspot.token whose it is. Policies believe that and no
--   parameter of a statement; oppspot_api_org() answers for tokens that are good at this moment.
-- * audit_log has one row for each change, written by the transaction that makes it.

SET LOCAL lock_timeout = '30s';

CREATE TABLE api_tokens (
    id uuid PRIMARY KEY DEFAULT oppspot_uuid(),
    org_id uuid REFERENCES organizations (id) ON DELETE CASCADE,
    name text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
    scope text NOT NULL CHECK (scope IN ('metrics', 'read', 'run', 'admin')),
    hash text NOT NULL UNIQUE CHECK (hash ~ '^[0-9a-f]{64}$'),
    beginning text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT oppspot_now(),
    created_by text,
    expires_at timestamptz,
    last_used_at timestamptz,
    revoked_at timestamptz,
    CONSTRAINT api_tokens_of_no_organisation_are_for_operators CHECK (org_id IS NOT NULL OR scope IN ('metrics', 'admin'))
);
COMMENT ON TABLE api_tokens IS 'Who may use HTTP. A token itself is nowhere; see `oppspot-runner tokens`.';
COMMENT ON COLUMN api_tokens.org_id IS 'Whose rows it sees; NULL = it is an operator''s and sees all.';
COMMENT ON COLUMN api_tokens.hash IS 'SHA-256 of the token, in hexadecimal.';
COMMENT ON COLUMN api_tokens.beginning IS 'The first characters of the token, to know it again.';
CREATE INDEX api_tokens_by_org ON api_tokens (org_id);

CREATE TABLE audit_log (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at timestamptz NOT NULL DEFAULT oppspot_now(),
    org_id uuid,
    actor text NOT NULL,
    token_id uuid,
    address text,
    action text NOT NULL,
    kind text NOT NULL,
    target text,
    before jsonb,
    after jsonb
);
COMMENT ON TABLE audit_log IS 'Who changed what through HTTP, and how it was before and after.';
COMMENT ON COLUMN audit_log.action IS 'As `task.retry`: the kind of thing, and what was done with it.';
CREATE INDEX audit_log_by_org ON audit_log (org_id, id DESC);
CREATE INDEX audit_log_by_target ON audit_log (target, id DESC);

CREATE TABLE idempotency_keys (
    owner text NOT NULL,
    key text NOT NULL CHECK (length(key) BETWEEN 1 AND 200),
    fingerprint text NOT NULL,
    status integer NOT NULL,
    body text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT oppspot_now(),
    PRIMARY KEY (owner, key)
);
COMMENT ON TABLE idempotency_keys IS 'Answers of requests with an Idempotency-Key, kept for a day: who repeats one gets the same answer.';
COMMENT ON COLUMN idempotency_keys.owner IS 'The token that asked, or `local`.';
COMMENT ON COLUMN idempotency_keys.fingerprint IS 'SHA-256 of method, path and body: another request with the same key is refused.';
CREATE INDEX idempotency_keys_created ON idempotency_keys (created_at);

-- The organisation of the token that this transaction named; NULL = none. Asked once a statement.
CREATE FUNCTION oppspot_api_org() RETURNS uuid
LANGUAGE sql STABLE SECURITY DEFINER SET search_path FROM CURRENT AS
$$
    SELECT t.org_id FROM api_tokens t
    WHERE t.hash = current_setting('oppspot.token', true)
      AND t.revoked_at IS NULL AND (t.expires_at IS NULL OR t.expires_at > oppspot_now())
$$;
COMMENT ON FUNCTION oppspot_api_org() IS 'The organisation of the token in oppspot.token, as long as that is good.';

INSERT INTO oppspot_migrations (number, name, breaking, applied_at)
VALUES (52, 'access', false, oppspot_now());
