-- Runs of one organisation among those of many, the newest first, and the few that are under way: who follows what
-- changes looks at both every second.

SET LOCAL lock_timeout = '30s';

CREATE INDEX stream_runs_org ON stream_runs (org_id, id) WHERE org_id IS NOT NULL;
CREATE INDEX stream_runs_open ON stream_runs (id) WHERE status = 'running';

INSERT INTO oppspot_migrations (number, name, breaking, applied_at)
VALUES (58, 'changes', false, oppspot_now());
