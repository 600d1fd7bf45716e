-- Tasks and attempts of one organisation among those of many, the newest first. Only rows of organisations are in these
-- indexes, and a benchmark of tasks that do nothing does not notice them. With its status, tasks of an organisation are
-- counted from the index alone; a change of status writes all indexes of its row anyway.

SET LOCAL lock_timeout = '30s';

CREATE INDEX agent_tasks_org ON agent_tasks (org_id, id) INCLUDE (status) WHERE org_id IS NOT NULL;
CREATE INDEX agent_executions_org ON agent_executions (org_id, id) WHERE org_id IS NOT NULL;

INSERT INTO oppspot_migrations (number, name, breaking, applied_at)
VALUES (53, 'orgs', false, oppspot_now());
