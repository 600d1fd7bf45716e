-- Drafts: what may be said to a company, for people to read, to change elsewhere and to send themselves.
--
-- * Nothing here sends. A draft is approved, and sent elsewhere; this table only remembers it.
-- * A company has one open draft of a channel; a newer one, of other facts, takes its place.
-- * What was approved are these words: a draft whose words are changed is withdrawn.
-- * claims says which facts each piece of the words rests on, facts what they were and where from, so that a
--   draft can be checked after the facts have changed. A fact that is too old can be approved no more.

SET LOCAL lock_timeout = '30s';

DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_class WHERE relname = 'drafts'
               AND relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = current_schema())) THEN
        RAISE EXCEPTION 'the schema % already holds drafts of another making', current_schema()
            USING HINT = 'Set OPPSPOT_SCHEMA to a schema of our own, or rename what is there.';
    END IF;
END $$;

CREATE TABLE drafts (
    id uuid PRIMARY KEY DEFAULT oppspot_uuid(),
    org_id uuid REFERENCES organizations (id),
    stream_id uuid REFERENCES streams (id) ON DELETE SET NULL,
    company_id uuid NOT NULL REFERENCES companies (id) ON DELETE CASCADE,
    channel text NOT NULL,
    language text NOT NULL,
    tone text NOT NULL,
    recipient text,
    recipient_email text,
    sender jsonb NOT NULL DEFAULT '{}',
    subject text NOT NULL DEFAULT '',
    body text NOT NULL,
    cta text NOT NULL DEFAULT '',
    claims jsonb NOT NULL DEFAULT '[]',
    facts jsonb NOT NULL DEFAULT '[]',
    written_by text NOT NULL,
    model text,
    repairs smallint NOT NULL DEFAULT 0,
    prompt_hash text NOT NULL,
    status text NOT NULL DEFAULT 'draft',
    decided_by text,
    decided_at timestamptz,
    reason text,
    agent_id uuid REFERENCES ai_agents (id) ON DELETE SET NULL,
    task_id uuid,
    created_at timestamptz NOT NULL DEFAULT oppspot_now(),
    CONSTRAINT drafts_channel_check CHECK (channel IN ('email', 'linkedin', 'call')),
    CONSTRAINT drafts_body_check CHECK (body ~ '\S'),
    CONSTRAINT drafts_lists_check CHECK (jsonb_typeof(claims) = 'array' AND jsonb_typeof(facts) = 'array'),
    CONSTRAINT drafts_sender_check CHECK (jsonb_typeof(sender) = 'object'),
    CONSTRAINT drafts_written_by_check CHECK (written_by IN ('model', 'template')),
    CONSTRAINT drafts_status_check CHECK (status IN ('draft', 'approved', 'rejected', 'sent_elsewhere', 'withdrawn')),
    CONSTRAINT drafts_decided_check CHECK ((status = 'draft') = (decided_at IS NULL)),
    CONSTRAINT drafts_hash_check CHECK (prompt_hash <> '')
) WITH (fillfactor = 85);
COMMENT ON TABLE drafts IS 'What may be said to companies, each piece with the facts that it rests on. Nothing sends them.';
COMMENT ON COLUMN drafts.org_id IS 'Whose draft it is; NULL = that of no organisation.';
COMMENT ON COLUMN drafts.channel IS 'email, linkedin or call.';
COMMENT ON COLUMN drafts.recipient IS 'The name of who it is to, as it was supplied; NULL for a role, such as info@.';
COMMENT ON COLUMN drafts.recipient_email IS 'A supplied address, or a public one of a role; NULL where there is none.';
COMMENT ON COLUMN drafts.sender IS 'name, company, offer and url of who writes.';
COMMENT ON COLUMN drafts.cta IS 'The sentence of the body that asks for something.';
COMMENT ON COLUMN drafts.claims IS 'Pieces of the words and the ids of the facts that each rests on.';
COMMENT ON COLUMN drafts.facts IS 'All facts that could be used, with source, confidence, and until when each is good.';
COMMENT ON COLUMN drafts.written_by IS 'model, or template: without a model, or when it did not keep to the facts.';
COMMENT ON COLUMN drafts.model IS 'The model that was asked, also when the template took over.';
COMMENT ON COLUMN drafts.repairs IS 'How often the model had to write it again.';
COMMENT ON COLUMN drafts.prompt_hash IS 'The same for the same facts, sender, recipient and form.';
COMMENT ON COLUMN drafts.status IS 'draft; approved or rejected by somebody; sent_elsewhere after that; withdrawn when it holds no more.';
COMMENT ON COLUMN drafts.reason IS 'Why it was rejected or withdrawn.';
COMMENT ON COLUMN drafts.task_id IS 'The task that wrote it; the row may be pruned earlier than the draft.';
CREATE UNIQUE INDEX drafts_open_key ON drafts
    (company_id, channel, (coalesce(org_id, '00000000-0000-0000-0000-000000000000'::uuid))) WHERE status = 'draft';
CREATE INDEX drafts_company_idx ON drafts (company_id, channel);
CREATE INDEX drafts_stream_idx ON drafts (stream_id) WHERE stream_id IS NOT NULL;

-- A draft that is decided is decided: who wants another one lets it be written anew.
CREATE FUNCTION guard_draft() RETURNS trigger
LANGUAGE plpgsql SET search_path FROM CURRENT AS
$$
DECLARE
    stale text;
BEGIN
    IF NEW.status = OLD.status AND OLD.status IN ('draft', 'approved')
       AND (NEW.subject, NEW.body, NEW.recipient, NEW.recipient_email)
           IS DISTINCT FROM (OLD.subject, OLD.body, OLD.recipient, OLD.recipient_email) THEN
        NEW.status := 'withdrawn';
        NEW.reason := 'its words were changed';
        NEW.decided_by := session_user;
    END IF;
    IF NEW.status = OLD.status THEN
        RETURN NEW;
    END IF;
    IF (OLD.status, NEW.status) NOT IN (('draft', 'approved'), ('draft', 'rejected'), ('draft', 'withdrawn'),
            ('approved', 'sent_elsewhere'), ('approved', 'rejected'), ('approved', 'withdrawn')) THEN
        RAISE EXCEPTION 'the draft is %: it cannot become %', OLD.status, NEW.status
            USING ERRCODE = 'object_not_in_prerequisite_state';
    END IF;
    SELECT min(f ->> 'text') INTO stale FROM jsonb_array_elements(NEW.facts) f
    WHERE (f ->> 'good_until')::timestamptz < oppspot_now()
      AND f -> 'id' IN (SELECT i FROM jsonb_array_elements(NEW.claims) c, jsonb_array_elements(c -> 'fact_ids') i);
    IF NEW.status = 'approved' AND stale IS NOT NULL THEN
        RAISE EXCEPTION 'the draft rests on a fact that is too old: %', stale
            USING ERRCODE = 'object_not_in_prerequisite_state', HINT = 'Withdraw it and let the writer run again.';
    END IF;
    NEW.decided_at := oppspot_now();
    NEW.decided_by := coalesce(NEW.decided_by, session_user);
    RETURN NEW;
END
$$;
CREATE TRIGGER drafts_guard BEFORE UPDATE ON drafts FOR EACH ROW EXECUTE FUNCTION guard_draft();

INSERT INTO oppspot_migrations (number, name, breaking, applied_at)
VALUES (44, 'drafts', false, oppspot_now());
