-- oppspot_runner: the machine in one page
--
-- A row in agent_tasks is a piece of work. Its life:
--
--     INSERT --> pending --claim--> processing --finish--> completed | failed | cancelled
--                  ^                    |
--                  +-- retry, snooze, release (runner stops), rescue (runner died)
--
-- * A pending row whose time has not come is `parked`: it is not in the index that claims read.
--   `promote` takes it out when it is due. A row that becomes ready gets a new `ready_seq`, so
--   the order is: priority (10 first), then who became ready first.
-- * A claim gives the row a `run_token`. Every write of that attempt names the token; when the row
--   has another one, or none, the write finds nothing. That is the whole fence: a runner that was
--   thought dead can write nothing.
-- * Whoever changes `status` by hand is served by a trigger: it clears the token (which fences the
--   attempt that may be on), puts a pending row in line again, and keeps runs of agents in step.
-- * Each daemon has a row in task_runners and renews its lease there. A processing row whose
--   runner has no live lease is lost: any other runner puts it back (`crash_count`, not
--   `retry_count`, counts that).
-- * agent_executions keeps one row for each attempt, agent_steps what an attempt need not repeat,
--   stream_runs and stream_run_nodes which agents of a stream wait for which.
--
-- The clock is the database's: every statement asks oppspot_now(), which is now() unless the
-- session has set oppspot.now, as tests do.
--
-- This file makes the tables that people know from before, or takes over the ones that are there:
-- nothing is dropped, finished rows are not touched, no table is rewritten.

SET LOCAL lock_timeout = '30s';

CREATE OR REPLACE FUNCTION oppspot_now() RETURNS timestamptz
LANGUAGE sql STABLE PARALLEL SAFE AS
$$ SELECT coalesce(nullif(current_setting('oppspot.now', true), '')::timestamptz, now()) $$;
COMMENT ON FUNCTION oppspot_now() IS
    'The only clock of oppspot_runner: now(), unless the session set oppspot.now.';

-- Time-ordered, so that new rows meet on the same few index pages; random keys cost three to five
-- times the WAL in a big table. Bound to oppspot_now() when it is made, not when it is called: whoever
-- inserts may have another search_path.
CREATE OR REPLACE FUNCTION oppspot_uuid() RETURNS uuid
LANGUAGE sql VOLATILE PARALLEL SAFE
RETURN (lpad(to_hex((extract(epoch FROM oppspot_now()) * 1000)::bigint), 12, '0')
        || '7' || substr(replace(gen_random_uuid()::text, '-', ''), 14))::uuid;
COMMENT ON FUNCTION oppspot_uuid() IS 'A version 7 uuid: milliseconds first, the rest random.';

-- Which of these files were applied here. `breaking`: older programs cannot work on the result.
CREATE TABLE IF NOT EXISTS oppspot_migrations (
    number integer PRIMARY KEY,
    name text NOT NULL,
    breaking boolean NOT NULL,
    applied_at timestamptz NOT NULL
);

CREATE TABLE IF NOT EXISTS organizations (id uuid PRIMARY KEY);
CREATE TABLE IF NOT EXISTS ai_agents (id uuid PRIMARY KEY);
CREATE TABLE IF NOT EXISTS streams (id uuid PRIMARY KEY);
CREATE TABLE IF NOT EXISTS agent_tasks (id uuid PRIMARY KEY);
CREATE TABLE IF NOT EXISTS agent_executions (id uuid PRIMARY KEY);
CREATE TABLE IF NOT EXISTS stream_agent_assignments (id uuid PRIMARY KEY);

-- A table that exists must be usable as it is: say everything that is wrong with it at once.
DO $$
DECLARE
    here oid := (SELECT oid FROM pg_namespace WHERE nspname = current_schema());
    tables text[] := '{organizations,ai_agents,streams,agent_tasks,agent_executions,stream_agent_assignments}';
    statuses text[];
    refused text;
    rule record;
    faults text[];
BEGIN
    WITH wanted(tab, col, types) AS (VALUES
        ('organizations', 'id', '{uuid}'), ('organizations', 'name', '{text,character varying}'),
        ('ai_agents', 'id', '{uuid}'), ('ai_agents', 'org_id', '{uuid}'),
        ('ai_agents', 'name', '{text,character varying}'),
        ('ai_agents', 'description', '{text,character varying}'),
        ('ai_agents', 'agent_type', '{text,character varying}'),
        ('ai_agents', 'configuration', '{jsonb}'), ('ai_agents', 'is_active', '{boolean}'),
        ('ai_agents', 'schedule_cron', '{text,character varying}'),
        ('ai_agents', 'schedule_timezone', '{text,character varying}'),
        ('ai_agents', 'parent_id', '{uuid}'),
        ('streams', 'id', '{uuid}'), ('streams', 'org_id', '{uuid}'),
        ('streams', 'name', '{text,character varying}'),
        ('streams', 'goal_criteria', '{jsonb}'), ('streams', 'target_metrics', '{jsonb}'),
        ('streams', 'progress', '{jsonb}'),
        ('agent_tasks', 'id', '{uuid}'), ('agent_tasks', 'agent_id', '{uuid}'),
        ('agent_tasks', 'org_id', '{uuid}'), ('agent_tasks', 'stream_id', '{uuid}'),
        ('agent_tasks', 'task_type', '{text,character varying}'),
        ('agent_tasks', 'priority', '{integer,smallint,bigint}'),
        ('agent_tasks', 'payload', '{jsonb}'),
        ('agent_tasks', 'status', '{text,character varying}'),
        ('agent_tasks', 'retry_count', '{integer,smallint,bigint}'),
        ('agent_tasks', 'max_retries', '{integer,smallint,bigint}'),
        ('agent_tasks', 'scheduled_for', '{timestamp with time zone}'),
        ('agent_tasks', 'error_message', '{text}'),
        ('agent_tasks', 'started_at', '{timestamp with time zone}'),
        ('agent_tasks', 'finished_at', '{timestamp with time zone}'),
        ('agent_executions', 'id', '{uuid}'), ('agent_executions', 'agent_id', '{uuid}'),
        ('agent_executions', 'org_id', '{uuid}'), ('agent_executions', 'stream_id', '{uuid}'),
        ('agent_executions', 'task_id', '{uuid}'),
        ('agent_executions', 'status', '{text,character varying}'),
        ('agent_executions', 'started_at', '{timestamp with time zone}'),
        ('agent_executions', 'completed_at', '{timestamp with time zone}'),
        ('agent_executions', 'duration_ms', '{integer,bigint}'),
        ('agent_executions', 'input_data', '{jsonb}'),
        ('agent_executions', 'output_data', '{jsonb}'),
        ('agent_executions', 'goal_context', '{jsonb}'),
        ('agent_executions', 'results_summary', '{jsonb}'),
        ('agent_executions', 'error_message', '{text}'),
        ('agent_executions', 'metrics', '{jsonb}'),
        ('stream_agent_assignments', 'id', '{uuid}'),
        ('stream_agent_assignments', 'stream_id', '{uuid}'),
        ('stream_agent_assignments', 'agent_id', '{uuid}'),
        ('stream_agent_assignments', 'assignment_role', '{text,character varying}'),
        ('stream_agent_assignments', 'execution_order', '{integer,smallint,bigint}'),
        ('stream_agent_assignments', 'is_active', '{boolean}'),
        ('stream_agent_assignments', 'auto_execute', '{boolean}'),
        ('stream_agent_assignments', 'execution_frequency', '{text,character varying}'),
        ('stream_agent_assignments', 'depends_on_agent_ids', '{uuid[]}'),
        ('stream_agent_assignments', 'total_executions', '{integer,bigint}'),
        ('stream_agent_assignments', 'last_executed_at', '{timestamp with time zone}')
    ), expected AS (
        SELECT tab, col, types::text[] FROM wanted
        UNION ALL SELECT t, 'created_at', '{timestamp with time zone}' FROM unnest(tables) t
    ), found AS (
        SELECT c.oid, c.relname::text AS tab, a.attname::text AS col, format_type(a.atttypid, NULL) AS type,
               a.attnotnull AS required, NOT (a.atthasdef OR a.attidentity <> '') AS bare
        FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
        WHERE c.relnamespace = here AND c.relname = ANY (tables) AND a.attnum > 0 AND NOT a.attisdropped
    ), fault(place, text) AS (
        SELECT 1, format('%s is not an ordinary table', c.relname) FROM pg_class c
        WHERE c.relnamespace = here AND c.relname = ANY (tables) AND (c.relkind <> 'r'
            OR EXISTS (SELECT FROM pg_inherits i WHERE c.oid IN (i.inhrelid, i.inhparent)))
        UNION ALL
        SELECT 2, format('%s.%s is %s, wanted %s', tab, col, f.type, array_to_string(e.types, ' or '))
        FROM expected e JOIN found f USING (tab, col) WHERE f.type <> ALL (e.types)
        UNION ALL
        SELECT 3, format('%s.id is not a primary key', f.tab) FROM found f
        WHERE f.col = 'id' AND NOT (f.required AND EXISTS (
            SELECT FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
            WHERE i.indrelid = f.oid AND i.indisunique AND i.indimmediate AND i.indisvalid
              AND i.indpred IS NULL AND i.indnkeyatts = 1 AND a.attname = 'id'))
        UNION ALL
        -- Our rows of these two hold nothing in columns that we do not know, and not always an
        -- agent, an organisation, a stream, an output or an error in those that we do.
        SELECT 4, format('%s.%s is NOT NULL, and rows of ours may have nothing to put there', f.tab, f.col)
        FROM found f
        WHERE f.required AND CASE f.tab
            WHEN 'agent_executions' THEN f.col NOT IN ('id', 'status', 'created_at')
                AND (f.bare OR EXISTS (SELECT FROM expected e WHERE e.tab = f.tab AND e.col = f.col))
            WHEN 'agent_tasks' THEN f.col = 'error_message'
                OR (f.bare AND NOT EXISTS (SELECT FROM expected e WHERE e.tab = f.tab AND e.col = f.col)) END
        UNION ALL
        SELECT 5, format('%s.%s is a name that the runner needs for a column of its own', tab, col) FROM found f
        WHERE (f.tab = 'stream_agent_assignments' AND f.col = ANY ('{condition,on_failure,requires_approval,
               approval_timeout,max_parallel}'))
           OR (f.tab = 'agent_tasks' AND f.col = ANY ('{requested_by,unique_key,run_id,execution_id,parked,ready_seq,
               run_token,runner_id,attempt,crash_count,deadline_at,cancel_requested_at,cancel_reason,progress,
               limit_key,blocked,held,raised_at,signalled,parent_task_id,traceparent,needs_protocol}'))
           OR (f.tab = 'agent_executions' AND f.col = ANY ('{attempt,runner_id}'))
           OR (f.tab = 'stream_agent_assignments' AND f.col = 'schedule_options')
        UNION ALL
        SELECT 6, format('%I is a name that the runner needs for a table of its own', c.relname) FROM pg_class c
        WHERE c.relnamespace = here AND c.relname = ANY ('{task_runners,agent_steps,task_pauses,stream_runs,
            stream_run_nodes,run_signals,companies,facts,stated_facts,company_merges,possible_duplicates,stream_items,stream_insights,
            enrichment_checks,dead_letter_tasks,task_runner_stats,agent_performance,open_lanes,task_limits,
            task_tallies,schedules,schedule_ticks,schedule_calls,schedule_signals,schedule_sources,agent_breakers,open_breakers,
            run_events,task_waits,waiting_tasks,tool_calls,tool_call_rates,tool_call_starts,tool_results,
            model_calls,open_model_calls,budgets,budget_periods,budget_balances,costs_by_day,model_cost_days,model_cost_days_until,variant_performance,http_cache,host_breakers,
            open_host_breakers,source_items,source_item_companies,source_cursors,buying_signals,signal_sightings,
            job_postings,signal_watches,current_signals,people,appointments,contacts,contact_companies,suppressions,suppression_salt,
            relationship_checks,drafts,notification_rules,notification_events,notifications,undelivered_notifications,
            api_tokens,audit_log,idempotency_keys,access_rules,agent_keys,task_handoffs,database_identity,required_labels,wanted_slots}')
        UNION ALL
        -- Every attempt copies these ids: one that the queue took and history refused would have no end.
        SELECT 7, format('agent_executions.%s has a foreign key, agent_tasks.%1$s has none', x.col)
        FROM found x JOIN found t ON t.tab = 'agent_tasks' AND t.col = x.col
        WHERE x.tab = 'agent_executions' AND x.col IN ('agent_id', 'org_id', 'stream_id')
          AND EXISTS (SELECT FROM pg_constraint k JOIN pg_attribute a ON a.attrelid = x.oid AND a.attnum = k.conkey[1]
                      WHERE k.conrelid = x.oid AND k.contype = 'f' AND a.attname = x.col)
          AND NOT EXISTS (SELECT FROM pg_constraint k JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = k.conkey[1]
                          WHERE k.conrelid = t.oid AND k.contype = 'f' AND k.convalidated AND a.attname = t.col)
    )
    SELECT array_agg(text ORDER BY place, text) INTO faults FROM fault;

    FOR rule IN
        SELECT k.conname, c.relname::text AS tab, pg_get_expr(k.conbin, k.conrelid) AS condition
        FROM pg_class c JOIN pg_constraint k ON k.conrelid = c.oid AND k.contype = 'c'
        JOIN pg_attribute a ON a.attrelid = c.oid AND k.conkey = ARRAY[a.attnum]
        WHERE c.relnamespace = here AND c.relname IN ('agent_tasks', 'agent_executions') AND a.attname = 'status'
          AND a.atttypid IN ('text'::regtype, 'varchar'::regtype)
    LOOP
        statuses := CASE rule.tab WHEN 'agent_tasks' THEN '{pending,processing,completed,failed,cancelled}'
                                  ELSE '{queued,running,completed,failed,cancelled}' END;
        EXECUTE format('SELECT string_agg(quote_literal(status), '', '') FROM unnest($1) AS %I (status) WHERE NOT (%s)',
                       rule.tab, rule.condition) INTO refused USING statuses;
        IF refused IS NOT NULL THEN
            faults := faults || format('the constraint %s on %s.status forbids %s', rule.conname, rule.tab, refused);
        END IF;
    END LOOP;
    IF EXISTS (SELECT FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
               WHERE c.relnamespace = here AND c.relname = 'agent_tasks' AND a.attname = 'status') THEN
        SELECT string_agg(DISTINCT quote_literal(status), ', ') INTO refused FROM agent_tasks
        WHERE status::text NOT IN ('pending', 'processing', 'completed', 'failed', 'cancelled');
        IF refused IS NOT NULL THEN
            faults := faults || ('agent_tasks.status holds what means nothing here: ' || refused
                || ' (make it pending, completed, failed or cancelled)');
        END IF;
    END IF;
    IF faults IS NOT NULL THEN
        RAISE EXCEPTION 'the existing tables cannot be adopted: %', array_to_string(faults, '; ')
            USING HINT = 'Change or rename these with ALTER TABLE, or set OPPSPOT_SCHEMA to a schema of our own.';
    END IF;
END $$;

ALTER TABLE organizations
    ADD COLUMN IF NOT EXISTS name text,
    ADD COLUMN IF NOT EXISTS created_at timestamptz;
ALTER TABLE ai_agents
    ADD COLUMN IF NOT EXISTS org_id uuid REFERENCES organizations (id),
    ADD COLUMN IF NOT EXISTS name text,
    ADD COLUMN IF NOT EXISTS description text,
    ADD COLUMN IF NOT EXISTS agent_type text,
    ADD COLUMN IF NOT EXISTS configuration jsonb DEFAULT '{}',
    ADD COLUMN IF NOT EXISTS is_active boolean DEFAULT true,
    ADD COLUMN IF NOT EXISTS schedule_cron text,
    ADD COLUMN IF NOT EXISTS schedule_timezone text DEFAULT 'UTC',
    ADD COLUMN IF NOT EXISTS parent_id uuid REFERENCES ai_agents (id),
    ADD COLUMN IF NOT EXISTS created_at timestamptz;
ALTER TABLE streams
    ADD COLUMN IF NOT EXISTS org_id uuid REFERENCES organizations (id),
    ADD COLUMN IF NOT EXISTS name text,
    ADD COLUMN IF NOT EXISTS goal_criteria jsonb DEFAULT '{}',
    ADD COLUMN IF NOT EXISTS target_metrics jsonb DEFAULT '{}',
    ADD COLUMN IF NOT EXISTS progress jsonb DEFAULT '{}',
    ADD COLUMN IF NOT EXISTS created_at timestamptz;
ALTER TABLE agent_tasks
    ADD COLUMN IF NOT EXISTS agent_id uuid REFERENCES ai_agents (id),
    ADD COLUMN IF NOT EXISTS org_id uuid REFERENCES organizations (id),
    ADD COLUMN IF NOT EXISTS task_type text,
    ADD COLUMN IF NOT EXISTS priority integer,
    ADD COLUMN IF NOT EXISTS payload jsonb,
    ADD COLUMN IF NOT EXISTS status text,
    ADD COLUMN IF NOT EXISTS retry_count integer,
    ADD COLUMN IF NOT EXISTS max_retries integer,
    ADD COLUMN IF NOT EXISTS scheduled_for timestamptz,
    ADD COLUMN IF NOT EXISTS error_message text,
    ADD COLUMN IF NOT EXISTS created_at timestamptz;
ALTER TABLE agent_executions
    ADD COLUMN IF NOT EXISTS agent_id uuid REFERENCES ai_agents (id),
    ADD COLUMN IF NOT EXISTS org_id uuid REFERENCES organizations (id),
    ADD COLUMN IF NOT EXISTS stream_id uuid REFERENCES streams (id),
    ADD COLUMN IF NOT EXISTS status text,
    ADD COLUMN IF NOT EXISTS started_at timestamptz,
    ADD COLUMN IF NOT EXISTS completed_at timestamptz,
    ADD COLUMN IF NOT EXISTS duration_ms integer,
    ADD COLUMN IF NOT EXISTS input_data jsonb,
    ADD COLUMN IF NOT EXISTS output_data jsonb,
    ADD COLUMN IF NOT EXISTS goal_context jsonb,
    ADD COLUMN IF NOT EXISTS results_summary jsonb,
    ADD COLUMN IF NOT EXISTS error_message text,
    ADD COLUMN IF NOT EXISTS metrics jsonb,
    -- The seed's table lacks it, its query of the latest attempts sorts by it: rows that are there get
    -- the time of this migration, one constant, so that they are older than all new ones.
    ADD COLUMN IF NOT EXISTS created_at timestamptz DEFAULT oppspot_now();
ALTER TABLE stream_agent_assignments
    ADD COLUMN IF NOT EXISTS stream_id uuid REFERENCES streams (id),
    ADD COLUMN IF NOT EXISTS agent_id uuid REFERENCES ai_agents (id),
    ADD COLUMN IF NOT EXISTS assignment_role text,
    ADD COLUMN IF NOT EXISTS execution_order integer,
    ADD COLUMN IF NOT EXISTS is_active boolean DEFAULT true,
    ADD COLUMN IF NOT EXISTS auto_execute boolean DEFAULT true,
    ADD COLUMN IF NOT EXISTS execution_frequency text,
    ADD COLUMN IF NOT EXISTS depends_on_agent_ids uuid[] DEFAULT '{}',
    ADD COLUMN IF NOT EXISTS total_executions integer DEFAULT 0,
    ADD COLUMN IF NOT EXISTS last_executed_at timestamptz,
    ADD COLUMN IF NOT EXISTS created_at timestamptz;

-- A queue without foreign keys takes ids that a history with them would refuse.
DO $$
DECLARE
    loose record;
BEGIN
    FOR loose IN
        SELECT k.conname FROM pg_constraint k
        JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = k.conkey[1]
        WHERE k.conrelid = 'agent_executions'::regclass AND k.contype = 'f' AND a.attname IN ('agent_id', 'org_id')
          AND NOT EXISTS (
              SELECT FROM pg_constraint q
              JOIN pg_attribute b ON b.attrelid = q.conrelid AND b.attnum = q.conkey[1]
              WHERE q.conrelid = 'agent_tasks'::regclass AND q.contype = 'f' AND b.attname = a.attname)
    LOOP
        EXECUTE format('ALTER TABLE agent_executions DROP CONSTRAINT %I', loose.conname);
    END LOOP;
END $$;

-- Defaults where there is none yet. The volatile ones come after the columns: given together they
-- would rewrite the table.
DO $$
DECLARE
    missing record;
BEGIN
    FOR missing IN
        SELECT w.tab, w.col, w.value FROM pg_attribute a JOIN (
            SELECT t AS tab, v.col, v.value
            FROM unnest('{organizations,ai_agents,streams,agent_executions,stream_agent_assignments}'::text[]) t,
                 (VALUES ('id', 'oppspot_uuid()'), ('created_at', 'oppspot_now()')) v (col, value)
            UNION ALL VALUES
                ('ai_agents', 'configuration', '''{}'''), ('ai_agents', 'is_active', 'true'),
                ('ai_agents', 'schedule_timezone', '''UTC'''),
                ('streams', 'goal_criteria', '''{}'''), ('streams', 'target_metrics', '''{}'''),
                ('streams', 'progress', '''{}'''), ('agent_executions', 'status', '''queued'''),
                ('stream_agent_assignments', 'is_active', 'true'),
                ('stream_agent_assignments', 'auto_execute', 'true'),
                ('stream_agent_assignments', 'total_executions', '0'),
                ('stream_agent_assignments', 'depends_on_agent_ids', '''{}''')
        ) w ON a.attrelid = w.tab::regclass AND a.attname = w.col
        WHERE NOT a.atthasdef
    LOOP
        EXECUTE format('ALTER TABLE %I ALTER %I SET DEFAULT %s', missing.tab, missing.col, missing.value);
    END LOOP;
END $$;

-- Each file records itself, so that the program knows a schema that was made by psql.
INSERT INTO oppspot_migrations (number, name, breaking, applied_at)
VALUES (1, 'seed_tables', false, oppspot_now());
