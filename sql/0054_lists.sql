-- What people look through a page at a time comes in the order of an index: companies by the begin of their names,
-- signals of one organisation among those of many, and what its models cost.

SET LOCAL lock_timeout = '30s';

-- "C", because only there everything that begins alike is one range. Those of everybody have no organisation.
CREATE INDEX companies_begin_idx ON companies (org_id, (name_norm COLLATE "C"), id) WHERE merged_into IS NULL;
CREATE INDEX buying_signals_org_idx ON buying_signals (org_id, id) WHERE org_id IS NOT NULL;
CREATE INDEX model_calls_org_idx ON model_calls (org_id, started_at) WHERE org_id IS NOT NULL;

INSERT INTO oppspot_migrations (number, name, breaking, applied_at)
VALUES (54, 'lists', false, oppspot_now());
