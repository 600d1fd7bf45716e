-- Drafts of one organisation among those of many, the newest first.

SET LOCAL lock_timeout = '30s';

CREATE INDEX drafts_org_idx ON drafts (org_id, id) WHERE org_id IS NOT NULL;

INSERT INTO oppspot_migrations (number, name, breaking, applied_at)
VALUES (62, 'own_drafts', false, oppspot_now());
