-- Organisations see their own rows: by policies, so that no statement can forget it.
--
-- * A request of an organisation's token runs under the role oppspot_api, which no one logs in as. access_rules says
--   for each table of ours what that role may do there, and which rows are there for it; arrange_access() makes
--   grants and policies of it. Both come together: a table without a rule is closed to the role.
-- * Policies are `TO oppspot_api`, so they cost nobody else anything: for all others one policy lets everything
--   through, which the planner drops. A table on which somebody had put row-level security himself keeps his.
-- * Whoever serves HTTP is a member of oppspot_server, which may take the role and does not inherit it: what binds
--   oppspot_api must not bind a runner that never took it.
-- * A migrator who may make no roles goes on without; then organisations' tokens are refused, and
--   `oppspot-runner doctor` tells what to run.

SET LOCAL lock_timeout = '30s';

-- The id of the token that this transaction named, and the organisation: NULL = none that is good.
CREATE FUNCTION oppspot_api_token() RETURNS uuid
LANGUAGE sql STABLE SECURITY DEFINER SET search_path FROM CURRENT AS
$$
    SELECT t.id FROM api_tokens t
    WHERE t.hash = current_setting('oppspot.token', true)
      AND t.revoked_at IS NULL AND (t.expires_at IS NULL OR t.expires_at > oppspot_now())
$$;
COMMENT ON FUNCTION oppspot_api_token() IS 'The id of the token in oppspot.token, as long as that is good.';

-- Agents of no organisation that an operator put into streams of this one: it sees them, and changes none.
CREATE FUNCTION oppspot_api_lent_agents() RETURNS uuid[]
LANGUAGE sql STABLE SECURITY DEFINER SET search_path FROM CURRENT AS
$$
    SELECT coalesce(array_agg(DISTINCT a.id), '{}') FROM streams s
    JOIN stream_agent_assignments x ON x.stream_id = s.id JOIN ai_agents a ON a.id = x.agent_id
    WHERE s.org_id = oppspot_api_org() AND a.org_id IS NULL
$$;
COMMENT ON FUNCTION oppspot_api_lent_agents() IS
    'Agents of no organisation that are in streams of the organisation of the token in oppspot.token.';

-- Whether a row of this organisation may name that one. Foreign keys see all rows, so they would tell and take those of
-- others. What is not there is no secret: it is gone, or made by the same statement.
CREATE FUNCTION oppspot_api_may_name(kind text, wanted uuid) RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path FROM CURRENT AS
$$
DECLARE
    whose uuid;
BEGIN
    CASE kind
        WHEN 'ai_agents' THEN SELECT a.org_id INTO whose FROM ai_agents a WHERE a.id = wanted;
        WHEN 'agent_tasks' THEN SELECT t.org_id INTO whose FROM agent_tasks t WHERE t.id = wanted;
        WHEN 'agent_executions' THEN SELECT e.org_id INTO whose FROM agent_executions e WHERE e.id = wanted;
        WHEN 'streams' THEN SELECT s.org_id INTO whose FROM streams s WHERE s.id = wanted;
        WHEN 'stream_runs' THEN SELECT r.org_id INTO whose FROM stream_runs r WHERE r.id = wanted;
        WHEN 'companies' THEN SELECT c.org_id INTO whose FROM companies c WHERE c.id = wanted;
        WHEN 'people' THEN SELECT p.org_id INTO whose FROM people p WHERE p.id = wanted;
    END CASE;
    RETURN NOT FOUND OR whose = oppspot_api_org()
        OR (whose IS NULL AND (kind = 'companies' OR wanted = ANY (oppspot_api_lent_agents())));
END
$$;
COMMENT ON FUNCTION oppspot_api_may_name(text, uuid) IS
    'Whether the organisation of the token in oppspot.token may name that row of the table `kind` in rows of its own.';

CREATE TABLE access_rules (
    name name PRIMARY KEY,
    verbs text NOT NULL,
    reads text,
    changes text
);
COMMENT ON TABLE access_rules IS
    'What requests of organisations may do with our tables and views. After a change: SELECT arrange_access().';
COMMENT ON COLUMN access_rules.verbs IS 'What is granted to oppspot_api, as in GRANT; empty = nothing.';
COMMENT ON COLUMN access_rules.reads IS 'Which rows of the table are there for it. NULL: a view, which shows what its tables show.';
COMMENT ON COLUMN access_rules.changes IS
    'Which of these it may change. NULL: all; with an org_id only those of the organisation itself.';

-- What a column of that name points to.
CREATE FUNCTION named_by(column_name name) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE
    WHEN column_name IN ('agent_id', 'root_agent_id', 'parent_id') THEN 'ai_agents'
    WHEN column_name IN ('task_id', 'parent_task_id', 'replay_of') THEN 'agent_tasks'
    WHEN column_name = 'execution_id' THEN 'agent_executions'
    WHEN column_name = 'stream_id' THEN 'streams'
    WHEN column_name IN ('run_id', 'rerun_of') THEN 'stream_runs'
    WHEN column_name = 'company_id' THEN 'companies'
    WHEN column_name = 'person_id' THEN 'people'
END;
COMMENT ON FUNCTION named_by(name) IS 'The table whose ids are in columns of that name.';

-- The columns of a table that the role may change: whose a row is, and what it is about, stays as it was made.
CREATE FUNCTION changeable_columns(of_table name) RETURNS name[]
LANGUAGE sql STABLE SET search_path FROM CURRENT
RETURN ARRAY(
    SELECT a.attname FROM pg_attribute a
    WHERE a.attrelid = of_table::text::regclass AND a.attnum > 0 AND NOT a.attisdropped AND a.attname NOT IN ('id', 'org_id')
      AND (named_by(a.attname) IS NULL OR a.attname IN ('parent_id', 'task_id', 'execution_id'))
    ORDER BY a.attnum);

-- That the rows named in these columns are the organisation's too.
CREATE FUNCTION names_own(columns name[]) RETURNS text
LANGUAGE sql STABLE SET search_path FROM CURRENT
RETURN (SELECT string_agg(format('(%1$I IS NULL OR oppspot_api_may_name(%2$L, %1$I))', c, named_by(c)), ' AND ')
        FROM unnest(columns) c WHERE named_by(c) IS NOT NULL);

-- For everybody else as before. The role may change the rows of `changes`; else those of the organisation, else those
-- that it reads. Only a new row's parent is asked for by its id alone: the statement that makes both does not see it.
CREATE FUNCTION arrange_policies(rule access_rules) RETURNS void
LANGUAGE plpgsql SET search_path FROM CURRENT AS
$$
DECLARE
    own constant text := 'org_id = (SELECT oppspot_api_org())';
    columns name[] := ARRAY(SELECT a.attname FROM pg_attribute a
                            WHERE a.attrelid = rule.name::text::regclass AND a.attnum > 0 AND NOT a.attisdropped);
    changes text := coalesce(rule.changes, CASE WHEN 'org_id' = ANY (columns) THEN own END);
    policy record;
BEGIN
    FOR policy IN SELECT p.polname FROM pg_policy p
        WHERE p.polrelid = rule.name::text::regclass AND starts_with(p.polname::text, 'oppspot_api')
    LOOP
        EXECUTE format('DROP POLICY %I ON %I', policy.polname, rule.name);
    END LOOP;
    IF NOT (SELECT c.relrowsecurity FROM pg_class c WHERE c.oid = rule.name::text::regclass) THEN
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', rule.name);
        EXECUTE format('CREATE POLICY oppspot_everybody ON %I USING (true) WITH CHECK (true)', rule.name);
    ELSIF NOT EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = rule.name::text::regclass AND p.polname = 'oppspot_everybody') THEN
        EXECUTE format('CREATE POLICY oppspot_api ON %I TO oppspot_api USING (true) WITH CHECK (true)', rule.name);
    END IF;
    FOR policy IN SELECT v.verb, v.sight, v.result FROM (VALUES
        ('SELECT', rule.reads, NULL),
        ('INSERT', NULL, coalesce(nullif(concat_ws(' AND ', '(' || changes || ')', names_own(columns)), ''), rule.reads)),
        ('UPDATE', coalesce(changes, rule.reads), concat_ws(' AND ', '(' || coalesce(changes, rule.reads) || ')',
            CASE WHEN rule.verbs !~ 'UPDATE \(' THEN names_own(changeable_columns(rule.name)) END)),
        ('DELETE', coalesce(changes, rule.reads), NULL)) v (verb, sight, result)
    LOOP
        EXECUTE format('CREATE POLICY %I ON %I AS RESTRICTIVE FOR %s TO oppspot_api', 'oppspot_api_' || lower(policy.verb), rule.name, policy.verb)
            || coalesce(' USING (' || policy.sight || ')', '') || coalesce(' WITH CHECK (' || policy.result || ')', '');
    END LOOP;
END
$$;

CREATE FUNCTION arrange_access() RETURNS boolean
LANGUAGE plpgsql SET search_path FROM CURRENT AS
$$
DECLARE
    rule access_rules;
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'oppspot_api') THEN
        RETURN false;
    END IF;
    EXECUTE format('GRANT USAGE ON SCHEMA %I TO oppspot_api', current_schema());
    FOREACH rule IN ARRAY ARRAY(SELECT r FROM access_rules r ORDER BY r.name) LOOP
        EXECUTE format('REVOKE ALL ON %I FROM oppspot_api', rule.name);
        IF rule.reads IS NOT NULL THEN
            PERFORM arrange_policies(rule);
        ELSIF current_setting('server_version_num')::integer >= 150000 THEN
            EXECUTE format('ALTER VIEW %I SET (security_invoker = true)', rule.name);
        ELSE
            CONTINUE; -- a view sees with the eyes of its owner
        END IF;
        IF rule.verbs <> '' THEN
            EXECUTE format('GRANT %s ON %I TO oppspot_api', regexp_replace(rule.verbs, 'UPDATE(?! \()', format('UPDATE (%s)',
                (SELECT string_agg(quote_ident(c), ', ') FROM unnest(changeable_columns(rule.name)) c))), rule.name);
        END IF;
    END LOOP;
    RETURN true;
END
$$;
COMMENT ON FUNCTION arrange_access() IS
    'Makes grants and policies of access_rules, again if need be; false when the role oppspot_api does not exist.';

INSERT INTO access_rules (name, verbs, reads, changes) VALUES
    -- What people of an organisation work with.
    ('organizations', 'SELECT', 'id = (SELECT oppspot_api_org())', NULL),
    ('ai_agents', 'SELECT, INSERT, UPDATE, DELETE',
     'org_id = (SELECT oppspot_api_org()) OR id = ANY ((SELECT oppspot_api_lent_agents())::uuid[])', NULL),
    ('streams', 'SELECT, INSERT, UPDATE, DELETE', 'org_id = (SELECT oppspot_api_org())', NULL),
    ('stream_agent_assignments', 'SELECT, INSERT, UPDATE, DELETE', 'stream_id = ANY (ARRAY(SELECT s.id FROM streams s))', NULL),
    ('agent_tasks', 'SELECT, INSERT, UPDATE, DELETE', 'org_id = (SELECT oppspot_api_org())', NULL),
    ('agent_executions', 'SELECT, INSERT, UPDATE', 'org_id = (SELECT oppspot_api_org())', NULL),
    ('agent_steps', 'SELECT, INSERT, DELETE', 'EXISTS (SELECT FROM agent_tasks t WHERE t.id = task_id)', NULL),
    ('task_waits', 'SELECT', 'EXISTS (SELECT FROM agent_tasks t WHERE t.id = task_id)', NULL),
    ('stream_runs', 'SELECT, INSERT, UPDATE', 'org_id = (SELECT oppspot_api_org())', NULL),
    ('stream_run_nodes', 'SELECT, INSERT, UPDATE', 'EXISTS (SELECT FROM stream_runs r WHERE r.id = run_id)', NULL),
    ('run_events', 'SELECT, INSERT', 'EXISTS (SELECT FROM stream_runs r WHERE r.id = run_id)', NULL),
    ('run_signals', 'SELECT, INSERT', 'EXISTS (SELECT FROM stream_runs r WHERE r.id = run_id)', NULL),
    ('schedules', 'SELECT, UPDATE (is_active, paused_at, error, due_at, look_at, last_fired_at, last_task_id)', 'CASE WHEN stream_id IS NULL
        THEN agent_id = ANY (ARRAY(SELECT a.id FROM ai_agents a WHERE a.org_id = (SELECT oppspot_api_org())))
        ELSE stream_id = ANY (ARRAY(SELECT s.id FROM streams s)) END', NULL),
    ('schedule_ticks', 'SELECT', 'EXISTS (SELECT FROM schedules s WHERE s.id = schedule_id)', NULL),
    ('agent_breakers', 'SELECT, DELETE',
     'agent_id = ANY (ARRAY(SELECT a.id FROM ai_agents a WHERE a.org_id = (SELECT oppspot_api_org())))', NULL),
    -- What holds an organisation as a whole it sees, and an operator changes.
    ('task_pauses', 'SELECT, INSERT, UPDATE, DELETE',
     'CASE scope WHEN ''org'' THEN key = (SELECT oppspot_api_org())::text
      ELSE scope = ''agent'' AND key = ANY (ARRAY(SELECT a.id::text FROM ai_agents a WHERE a.org_id = (SELECT oppspot_api_org()))) END',
     'scope = ''agent'' AND key = ANY (ARRAY(SELECT a.id::text FROM ai_agents a WHERE a.org_id = (SELECT oppspot_api_org())))'),
    ('task_limits', 'SELECT, INSERT, UPDATE, DELETE',
     'CASE scope WHEN ''org'' THEN key = (SELECT oppspot_api_org())::text
      ELSE scope IN (''agent'', ''breaker'') AND key = ANY (ARRAY(SELECT a.id::text FROM ai_agents a WHERE a.org_id = (SELECT oppspot_api_org()))) END',
     'scope = ''agent'' AND key = ANY (ARRAY(SELECT a.id::text FROM ai_agents a WHERE a.org_id = (SELECT oppspot_api_org())))'),
    ('budgets', 'SELECT, INSERT, UPDATE, DELETE',
     'CASE scope WHEN ''org'' THEN scope_id = (SELECT oppspot_api_org())
      WHEN ''agent'' THEN scope_id = ANY (ARRAY(SELECT a.id FROM ai_agents a WHERE a.org_id = (SELECT oppspot_api_org())))
      WHEN ''stream'' THEN scope_id = ANY (ARRAY(SELECT s.id FROM streams s))
      WHEN ''run'' THEN EXISTS (SELECT FROM stream_runs r WHERE r.id = scope_id)
      ELSE EXISTS (SELECT FROM agent_tasks t WHERE t.id = scope_id) END',
     'CASE scope
      WHEN ''agent'' THEN scope_id = ANY (ARRAY(SELECT a.id FROM ai_agents a WHERE a.org_id = (SELECT oppspot_api_org())))
      WHEN ''stream'' THEN scope_id = ANY (ARRAY(SELECT s.id FROM streams s))
      WHEN ''run'' THEN EXISTS (SELECT FROM stream_runs r WHERE r.id = scope_id)
      WHEN ''task'' THEN EXISTS (SELECT FROM agent_tasks t WHERE t.id = scope_id) ELSE false END'),
    ('budget_periods', 'SELECT, INSERT, UPDATE', 'EXISTS (SELECT FROM budgets b WHERE b.id = budget_id)',
     'EXISTS (SELECT FROM budgets b WHERE b.id = budget_id AND b.scope <> ''org'')'),
    ('model_calls', 'SELECT', 'org_id = (SELECT oppspot_api_org())', NULL),
    ('tool_calls', 'SELECT', 'organization_id = (SELECT oppspot_api_org())::text', NULL),
    -- What agents found. Companies and facts of no organisation are for all: that is what they are there for.
    ('companies', 'SELECT', 'org_id = (SELECT oppspot_api_org()) OR org_id IS NULL', NULL),
    ('facts', 'SELECT', '(org_id = (SELECT oppspot_api_org()) OR org_id IS NULL)
        AND EXISTS (SELECT FROM companies c WHERE c.id = company_id)', NULL),
    ('enrichment_checks', 'SELECT', 'EXISTS (SELECT FROM companies c WHERE c.id = company_id)', NULL),
    ('company_merges', 'SELECT', 'EXISTS (SELECT FROM companies c WHERE c.id = company_id AND c.org_id IS NOT NULL)', NULL),
    ('possible_duplicates', 'SELECT', 'EXISTS (SELECT FROM companies c WHERE c.id = company_id AND c.org_id IS NOT NULL)', NULL),
    ('stream_items', 'SELECT, INSERT, UPDATE, DELETE', 'stream_id = ANY (ARRAY(SELECT s.id FROM streams s))', NULL),
    ('stream_insights', 'SELECT, DELETE', 'stream_id = ANY (ARRAY(SELECT s.id FROM streams s))', NULL),
    ('source_items', 'SELECT', 'org_id = (SELECT oppspot_api_org())', NULL),
    ('source_item_companies', 'SELECT', 'EXISTS (SELECT FROM source_items i WHERE i.id = item_id)', NULL),
    ('source_cursors', 'SELECT',
     'agent_id = ANY (ARRAY(SELECT a.id FROM ai_agents a WHERE a.org_id = (SELECT oppspot_api_org())))', NULL),
    ('buying_signals', 'SELECT, UPDATE (status, decided_by, decided_at)', 'org_id = (SELECT oppspot_api_org())', NULL),
    ('signal_sightings', 'SELECT', 'org_id = (SELECT oppspot_api_org())', NULL),
    ('job_postings', 'SELECT', 'org_id = (SELECT oppspot_api_org())', NULL),
    ('signal_watches', 'SELECT', 'org_id = (SELECT oppspot_api_org())', NULL),
    ('people', 'SELECT', 'org_id = (SELECT oppspot_api_org())', NULL),
    ('appointments', 'SELECT', 'org_id = (SELECT oppspot_api_org())', NULL),
    ('contacts', 'SELECT', 'org_id = (SELECT oppspot_api_org())', NULL),
    ('suppressions', 'SELECT, INSERT, DELETE', 'org_id = (SELECT oppspot_api_org())', NULL),
    ('relationship_checks', 'SELECT', 'org_key = (SELECT oppspot_api_org())', NULL),
    ('drafts', 'SELECT, UPDATE (recipient, recipient_email, subject, body, status, decided_by, decided_at, reason)', 'org_id = (SELECT oppspot_api_org())', NULL),
    ('notification_rules', 'SELECT, INSERT, UPDATE, DELETE', 'org_id = (SELECT oppspot_api_org())', NULL),
    ('notifications', 'SELECT', 'EXISTS (SELECT FROM notification_rules r WHERE r.id = rule_id)', NULL),
    -- Access itself. Hashes are for nobody.
    ('api_tokens', 'SELECT (id, org_id, name, scope, beginning, created_at, created_by, expires_at, last_used_at, revoked_at),
        INSERT, UPDATE (expires_at, revoked_at)', 'org_id = (SELECT oppspot_api_org())', NULL),
    ('audit_log', 'SELECT, INSERT', 'org_id = (SELECT oppspot_api_org())', NULL),
    ('idempotency_keys', 'SELECT, INSERT', 'owner = (SELECT oppspot_api_token())::text', NULL),
    -- For statements that look at them among other things: nothing is there.
    ('task_runners', 'SELECT', 'false', NULL),
    ('host_breakers', 'SELECT', 'false', NULL),
    ('task_tallies', 'SELECT', 'false', NULL),
    -- The machine's own.
    ('access_rules', '', 'false', NULL),
    ('http_cache', '', 'false', NULL),
    ('notification_events', '', 'false', NULL),
    ('oppspot_migrations', '', 'false', NULL),
    ('schedule_calls', '', 'false', NULL),
    ('schedule_signals', '', 'false', NULL),
    ('suppression_salt', '', 'false', NULL),
    ('tool_call_rates', '', 'false', NULL),
    ('tool_call_starts', '', 'false', NULL),
    ('tool_results', '', 'false', NULL);
INSERT INTO access_rules (name, verbs) SELECT v, 'SELECT' FROM unnest(ARRAY[
    'agent_performance', 'budget_balances', 'contact_companies', 'costs_by_day', 'current_signals', 'dead_letter_tasks',
    'open_breakers', 'open_host_breakers', 'open_lanes', 'open_model_calls', 'schedule_sources', 'stated_facts',
    'task_runner_stats', 'undelivered_notifications', 'variant_performance', 'waiting_tasks']) v;

-- Asked by every statement that looks at what is in streams or of agents.
CREATE INDEX streams_org ON streams (org_id) WHERE org_id IS NOT NULL;
CREATE INDEX ai_agents_org ON ai_agents (org_id) WHERE org_id IS NOT NULL;

-- As before; an organisation counts its own.
CREATE OR REPLACE VIEW task_runner_stats AS
SELECT c.pending, c.processing, c.completed, c.failed, c.cancelled,
       c.pending + c.processing + c.completed + c.failed + c.cancelled AS total
FROM (SELECT (SELECT count(*) FROM agent_tasks WHERE status = 'pending' AND NOT parked AND NOT blocked)
             + (SELECT count(*) FROM agent_tasks WHERE status = 'pending' AND parked)
             + (SELECT count(*) FROM agent_tasks WHERE status = 'pending' AND blocked AND NOT parked) AS pending,
             (SELECT count(*) FROM agent_tasks WHERE status = 'processing') AS processing,
             CASE WHEN current_user = 'oppspot_api' THEN (SELECT count(*) FROM agent_tasks WHERE status = 'completed')
                  ELSE (SELECT coalesce(sum(n), 0)::bigint FROM task_tallies WHERE status = 'completed') END AS completed,
             (SELECT count(*) FROM agent_tasks WHERE status = 'failed') AS failed,
             CASE WHEN current_user = 'oppspot_api' THEN (SELECT count(*) FROM agent_tasks WHERE status = 'cancelled')
                  ELSE (SELECT coalesce(sum(n), 0)::bigint FROM task_tallies WHERE status = 'cancelled') END AS cancelled) c;

-- As before, but for an organisation only its own runs.
CREATE OR REPLACE FUNCTION follow_runs(runs uuid[]) RETURNS TABLE (run_id uuid, last_event bigint, notified boolean)
LANGUAGE sql SECURITY DEFINER SET search_path FROM CURRENT AS
$$
    WITH asked AS (
        UPDATE stream_runs r SET followed_until = oppspot_now() + interval '30 s'
        WHERE r.id = ANY (ARRAY(
            SELECT f.id FROM stream_runs f
            WHERE f.id = ANY (follow_runs.runs) AND coalesce(f.followed_until < oppspot_now() + interval '15 s', true)
              AND (current_setting('role') <> 'oppspot_api' OR f.org_id = oppspot_api_org())
            ORDER BY f.id FOR NO KEY UPDATE SKIP LOCKED))
        RETURNING r.id, r.last_event
    )
    SELECT a.id, a.last_event, true FROM asked a
    UNION ALL
    SELECT r.id, r.last_event, coalesce(r.followed_until > oppspot_now(), false) FROM stream_runs r
    WHERE r.id = ANY (ARRAY(SELECT unnest(follow_runs.runs) EXCEPT SELECT a.id FROM asked a))
      AND (current_setting('role') <> 'oppspot_api' OR r.org_id = oppspot_api_org())
$$;

-- These write what whoever changes a task or a breaker need not be able to write.
ALTER FUNCTION agent_tasks_tally_inserted() SECURITY DEFINER;
ALTER FUNCTION agent_tasks_tally_gone() SECURITY DEFINER;
ALTER FUNCTION agent_tasks_deleted() SECURITY DEFINER;
ALTER FUNCTION agent_breakers_hold() SECURITY DEFINER;

DO $$
DECLARE
    name text;
BEGIN
    -- As in wake_task_runners: nothing that a caller can make may come before ours.
    FOREACH name IN ARRAY '{oppspot_api_org(),oppspot_api_token(),oppspot_api_lent_agents(),"oppspot_api_may_name(text,uuid)",
        agent_tasks_tally_inserted(),agent_tasks_tally_gone(),agent_tasks_deleted(),agent_breakers_hold(),follow_runs(uuid[])}'::text[]
    LOOP
        EXECUTE format('ALTER FUNCTION %s SET search_path = %I, pg_temp', name, current_schema());
    END LOOP;
    -- Only triggers call these, and with their owner's rights.
    REVOKE EXECUTE ON FUNCTION tally_tasks(bigint[]) FROM PUBLIC;
    REVOKE EXECUTE ON FUNCTION arrange_schedules(uuid, uuid) FROM PUBLIC;
END $$;

-- Roles are the whole server's: they may be there, and others may make them at this moment; then it is tried again.
DO $$
BEGIN
    FOR round IN 1..5 LOOP
        BEGIN
            IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'oppspot_api') THEN
                CREATE ROLE oppspot_api NOLOGIN NOINHERIT;
            END IF;
            IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'oppspot_server') THEN
                CREATE ROLE oppspot_server NOLOGIN NOINHERIT IN ROLE oppspot_api;
            END IF;
            IF NOT pg_has_role(session_user, 'oppspot_api', 'MEMBER') THEN
                EXECUTE format('GRANT oppspot_server TO %I', session_user);
            END IF;
            RETURN;
        EXCEPTION WHEN duplicate_object OR unique_violation OR internal_error THEN
            NULL;
        END;
    END LOOP;
EXCEPTION WHEN insufficient_privilege THEN
    RAISE NOTICE 'organisations cannot use HTTP yet: %', SQLERRM
        USING HINT = '`oppspot-runner doctor` tells what to run, and who must.';
END $$;
SELECT arrange_access();

INSERT INTO oppspot_migrations (number, name, breaking, applied_at)
VALUES (55, 'policies', false, oppspot_now());
