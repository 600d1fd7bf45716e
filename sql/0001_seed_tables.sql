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
-- times the WAL in a big table.
CREATE OR REPLACE FUNCTION oppspot_uuid() RETURNS uuid
LANGUAGE sql VOLATILE PARALLEL SAFE AS
$$
    SELECT (lpad(to_hex((extract(epoch FROM oppspot_now()) * 1000)::bigint), 12, '0')
            || '7' || substr(replace(gen_random_uuid()::text, '-', ''), 14))::uuid
$$;
COMMENT ON FUNCTION oppspot_uuid() IS 'A version 7 uuid: milliseconds first, the rest random.';

CREATE TABLE IF NOT EXISTS organizations (id uuid PRIMARY KEY);
CREATE TABLE IF NOT EXISTS ai_agents (id uuid PRIMARY KEY);
CREATE TABLE IF NOT EXISTS streams (id uuid PRIMARY KEY);
CREATE TABLE IF NOT EXISTS agent_tasks (id uuid PRIMARY KEY);
CREATE TABLE IF NOT EXISTS agent_executions (id uuid PRIMARY KEY);
CREATE TABLE IF NOT EXISTS stream_agent_assignments (id uuid PRIMARY KEY);

-- A table that exists must be usable as it is: say everything that is wrong with it at once.
DO $$
DECLARE
    faults text;
BEGIN
    WITH wanted(tab, col, types) AS (VALUES
        ('organizations', 'id', '{uuid}'),
        ('ai_agents', 'id', '{uuid}'), ('ai_agents', 'org_id', '{uuid}'),
        ('ai_agents', 'name', '{text,character varying}'),
        ('ai_agents', 'agent_type', '{text,character varying}'),
        ('ai_agents', 'configuration', '{jsonb}'), ('ai_agents', 'is_active', '{boolean}'),
        ('ai_agents', 'schedule_cron', '{text,character varying}'),
        ('ai_agents', 'schedule_timezone', '{text,character varying}'),
        ('ai_agents', 'parent_id', '{uuid}'),
        ('streams', 'id', '{uuid}'), ('streams', 'org_id', '{uuid}'),
        ('streams', 'name', '{text,character varying}'),
        ('streams', 'goal_criteria', '{jsonb}'), ('streams', 'target_metrics', '{jsonb}'),
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
        ('agent_tasks', 'created_at', '{timestamp with time zone}'),
        ('agent_executions', 'id', '{uuid}'), ('agent_executions', 'agent_id', '{uuid}'),
        ('agent_executions', 'org_id', '{uuid}'), ('agent_executions', 'stream_id', '{uuid}'),
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
        ('agent_executions', 'created_at', '{timestamp with time zone}'),
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
    ), found AS (
        SELECT c.relname::text AS tab, a.attname::text AS col, c.relkind,
               format_type(a.atttypid, NULL) AS type
        FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
        WHERE c.relnamespace = current_schema()::regnamespace AND a.attnum > 0 AND NOT a.attisdropped
    ), fault(text) AS (
        SELECT format('%s.%s is %s, wanted %s', w.tab, w.col, f.type,
                      array_to_string(w.types::text[], ' or '))
        FROM wanted w JOIN found f USING (tab, col) WHERE f.type <> ALL (w.types::text[])
        UNION ALL
        SELECT format('%s is not an ordinary table', w.tab)
        FROM (SELECT DISTINCT tab FROM wanted) w JOIN found f ON f.tab = w.tab
        WHERE f.relkind <> 'r' GROUP BY w.tab
        UNION ALL
        SELECT format('%s.id is not a primary key', w.tab)
        FROM (SELECT DISTINCT tab FROM wanted) w
        WHERE NOT EXISTS (
            SELECT FROM pg_index i JOIN pg_attribute a
                ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
            WHERE i.indrelid = format('%I.%I', current_schema(), w.tab)::regclass
              AND i.indisunique AND i.indpred IS NULL AND i.indnkeyatts = 1 AND a.attname = 'id')
        UNION ALL
        SELECT format('the constraint %s on agent_tasks.status forbids ''cancelled''', k.conname)
        FROM pg_constraint k
        WHERE k.conrelid = format('%I.agent_tasks', current_schema())::regclass AND k.contype = 'c'
          AND pg_get_constraintdef(k.oid) LIKE '%status%'
          AND pg_get_constraintdef(k.oid) LIKE '%completed%'
          AND pg_get_constraintdef(k.oid) NOT LIKE '%cancelled%'
    )
    SELECT string_agg(text, '; ') INTO faults FROM fault;
    IF faults IS NOT NULL THEN
        RAISE EXCEPTION 'the existing tables cannot be adopted: %', faults
            USING HINT = 'Change these with ALTER TABLE, or set OPPSPOT_SCHEMA to a schema of our own.';
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
    ADD COLUMN IF NOT EXISTS created_at timestamptz;
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

-- Volatile defaults come after the columns: given together they would rewrite the table.
ALTER TABLE organizations ALTER id SET DEFAULT oppspot_uuid(), ALTER created_at SET DEFAULT oppspot_now();
ALTER TABLE ai_agents ALTER id SET DEFAULT oppspot_uuid(), ALTER created_at SET DEFAULT oppspot_now(),
    ALTER configuration SET DEFAULT '{}', ALTER is_active SET DEFAULT true,
    ALTER schedule_timezone SET DEFAULT 'UTC';
ALTER TABLE streams ALTER id SET DEFAULT oppspot_uuid(), ALTER created_at SET DEFAULT oppspot_now(),
    ALTER goal_criteria SET DEFAULT '{}', ALTER target_metrics SET DEFAULT '{}';
ALTER TABLE agent_executions ALTER id SET DEFAULT oppspot_uuid(), ALTER created_at SET DEFAULT oppspot_now();
ALTER TABLE stream_agent_assignments ALTER id SET DEFAULT oppspot_uuid(),
    ALTER created_at SET DEFAULT oppspot_now(), ALTER is_active SET DEFAULT true,
    ALTER auto_execute SET DEFAULT true, ALTER total_executions SET DEFAULT 0,
    ALTER depends_on_agent_ids SET DEFAULT '{}';
