-- The queue: what the runner adds to agent_tasks, who runs (task_runners), what a retry need not
-- repeat (agent_steps), and what is paused (task_pauses).

SET LOCAL lock_timeout = '30s';

CREATE SEQUENCE IF NOT EXISTS agent_tasks_ready_seq;
-- One number for every attempt that was ever begun; never reused, so it can fence.
CREATE SEQUENCE IF NOT EXISTS agent_tasks_run_token_seq;

-- No default, or a constant one: nothing of the table is rewritten.
ALTER TABLE agent_tasks
    ADD COLUMN stream_id uuid REFERENCES streams (id),
    ADD COLUMN requested_by text,
    ADD COLUMN unique_key text,
    ADD COLUMN run_id uuid,
    ADD COLUMN execution_id uuid,
    ADD COLUMN parked boolean NOT NULL DEFAULT false,
    ADD COLUMN ready_seq bigint NOT NULL DEFAULT 0,
    ADD COLUMN run_token bigint,
    ADD COLUMN runner_id bigint,
    ADD COLUMN attempt integer NOT NULL DEFAULT 0,
    ADD COLUMN crash_count integer NOT NULL DEFAULT 0,
    ADD COLUMN started_at timestamptz,
    ADD COLUMN finished_at timestamptz,
    ADD COLUMN deadline_at timestamptz,
    ADD COLUMN cancel_requested_at timestamptz,
    ADD COLUMN cancel_reason text,
    ADD COLUMN progress jsonb;
COMMENT ON COLUMN agent_tasks.parked IS 'Pending, but not due yet: not in the index that claims read.';
COMMENT ON COLUMN agent_tasks.ready_seq IS 'Place in line within a priority; new each time the row becomes ready.';
COMMENT ON COLUMN agent_tasks.run_token IS 'Token of the attempt that is on; every write of an attempt names it.';
COMMENT ON COLUMN agent_tasks.retry_count IS 'Errors so far. Crashes are counted apart, in crash_count.';
COMMENT ON COLUMN agent_tasks.attempt IS 'How often the task was begun, for whatever reason it ended.';
COMMENT ON COLUMN agent_tasks.execution_id IS 'A row of agent_executions promised to the caller: the first attempt takes it.';

DO $$
DECLARE
    unknown text;
BEGIN
    SELECT string_agg(DISTINCT quote_literal(status), ', ') INTO unknown FROM agent_tasks
    WHERE status NOT IN ('pending', 'processing', 'completed', 'failed', 'cancelled');
    IF unknown IS NOT NULL THEN
        RAISE EXCEPTION 'agent_tasks holds statuses that mean nothing here: %', unknown
            USING HINT = 'Set them to pending, completed, failed or cancelled first.';
    END IF;
END $$;

-- Rows that are not ended are filled in; a processing row has no token, so its run counts as lost.
-- What cannot run fails now, with its reason, instead of spoiling a claim later.
UPDATE agent_tasks t SET
    status = CASE WHEN w.fault IS NULL THEN 'pending' ELSE 'failed' END,
    error_message = coalesce(w.fault, t.error_message),
    finished_at = CASE WHEN w.fault IS NOT NULL THEN oppspot_now() END,
    task_type = coalesce(t.task_type, 'agent_execution'),
    priority = least(greatest(coalesce(t.priority, 5), 1), 10),
    payload = CASE WHEN w.fault IS NULL THEN coalesce(t.payload, '{}') ELSE t.payload END,
    retry_count = greatest(coalesce(t.retry_count, 0), 0),
    max_retries = greatest(coalesce(t.max_retries, 3), 0),
    crash_count = CASE WHEN t.status = 'processing' THEN 1 ELSE 0 END,
    scheduled_for = CASE WHEN t.scheduled_for BETWEEN '1970-01-01Z' AND '9999-01-01Z'
                         THEN t.scheduled_for ELSE oppspot_now() END,
    created_at = coalesce(t.created_at, oppspot_now()),
    parked = coalesce(t.scheduled_for BETWEEN oppspot_now() AND '9999-01-01Z', false),
    ready_seq = w.place
FROM (
    SELECT id, row_number() OVER (ORDER BY created_at NULLS FIRST, id) AS place, CASE
            WHEN jsonb_typeof(payload) <> 'object'
                THEN format('the payload is %s, not an object', jsonb_typeof(payload))
            WHEN pg_column_size(payload) > 1048576 THEN 'the payload is larger than 1 MiB'
        END AS fault
    FROM agent_tasks
    WHERE status IS NULL OR status IN ('pending', 'processing')
) w
WHERE t.id = w.id;
SELECT setval('agent_tasks_ready_seq', greatest(max(ready_seq), 0) + 1) FROM agent_tasks WHERE ready_seq > 0;

ALTER TABLE agent_tasks
    ALTER id SET DEFAULT oppspot_uuid(),
    ALTER task_type SET DEFAULT 'agent_execution',
    ALTER priority SET DEFAULT 5,
    ALTER payload SET DEFAULT '{}',
    ALTER status SET DEFAULT 'pending',
    ALTER retry_count SET DEFAULT 0,
    ALTER max_retries SET DEFAULT 3,
    ALTER scheduled_for SET DEFAULT oppspot_now(),
    ALTER created_at SET DEFAULT oppspot_now(),
    ALTER ready_seq SET DEFAULT nextval('agent_tasks_ready_seq');

-- Impossible states. NOT VALID first: ended rows of an adopted table may break a rule and are left
-- alone; the block below then validates what holds for all rows.
ALTER TABLE agent_tasks
    ADD CONSTRAINT agent_tasks_status_is_known CHECK (coalesce(
        status IN ('pending', 'processing', 'completed', 'failed', 'cancelled'), false)) NOT VALID,
    ADD CONSTRAINT agent_tasks_priority_is_1_to_10
        CHECK (coalesce(priority BETWEEN 1 AND 10, false)) NOT VALID,
    ADD CONSTRAINT agent_tasks_task_type_is_given CHECK (coalesce(task_type <> '', false)) NOT VALID,
    ADD CONSTRAINT agent_tasks_payload_is_an_object
        CHECK (coalesce(jsonb_typeof(payload) = 'object', false)) NOT VALID,
    ADD CONSTRAINT agent_tasks_payload_is_at_most_1_mib
        CHECK (pg_column_size(payload) <= 1048576) NOT VALID,
    ADD CONSTRAINT agent_tasks_retries_are_counted
        CHECK (coalesce(retry_count >= 0 AND max_retries >= 0, false)) NOT VALID,
    ADD CONSTRAINT agent_tasks_counters_are_not_negative
        CHECK (attempt >= 0 AND crash_count >= 0) NOT VALID,
    ADD CONSTRAINT agent_tasks_time_is_finite
        CHECK (coalesce(scheduled_for BETWEEN '1970-01-01Z' AND '9999-01-01Z', false)) NOT VALID,
    ADD CONSTRAINT agent_tasks_processing_has_a_token CHECK (
        (status = 'processing') = (run_token IS NOT NULL)
        AND (run_token IS NULL) = (runner_id IS NULL)) NOT VALID,
    ADD CONSTRAINT agent_tasks_only_pending_is_parked
        CHECK (NOT parked OR status = 'pending') NOT VALID,
    ADD CONSTRAINT agent_tasks_only_ended_is_finished
        CHECK (finished_at IS NULL OR status IN ('completed', 'failed', 'cancelled')) NOT VALID;
DO $$
DECLARE
    rule text;
BEGIN
    FOR rule IN SELECT conname FROM pg_constraint
        WHERE conrelid = 'agent_tasks'::regclass AND contype = 'c' AND NOT convalidated
    LOOP
        BEGIN
            EXECUTE format('ALTER TABLE agent_tasks VALIDATE CONSTRAINT %I', rule);
        EXCEPTION WHEN check_violation THEN
            RAISE NOTICE 'ended rows break %: it holds for new rows only', rule;
        END;
    END LOOP;
END $$;

-- A lane is what can be paused or limited as a whole: rows of one task_type, agent and
-- organisation. Claims walk the lanes, then read each lane in order, so a lane that may not run
-- costs one index probe, however many rows wait in it. The key is a hash because three columns
-- more would triple the index.
CREATE OR REPLACE FUNCTION task_lane(task_type text, agent_id uuid, org_id uuid) RETURNS bigint
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
$$
    SELECT hashtextextended(task_type,
        coalesce(uuid_hash_extended(agent_id, 1), 0) # coalesce(uuid_hash_extended(org_id, 2), 0))
$$;

CREATE INDEX agent_tasks_ready ON agent_tasks (task_lane(task_type, agent_id, org_id), priority, ready_seq)
    WHERE status = 'pending' AND NOT parked;
CREATE INDEX agent_tasks_parked ON agent_tasks (scheduled_for) WHERE status = 'pending' AND parked;
CREATE INDEX agent_tasks_running ON agent_tasks (runner_id) WHERE status = 'processing';
CREATE INDEX agent_tasks_failed ON agent_tasks (id) WHERE status = 'failed';
CREATE INDEX agent_tasks_run ON agent_tasks (run_id) WHERE run_id IS NOT NULL;
CREATE UNIQUE INDEX agent_tasks_unique_key ON agent_tasks (unique_key)
    WHERE unique_key IS NOT NULL AND status IN ('pending', 'processing');
-- Early vacuum keeps dead entries out of the claim's way.
ALTER TABLE agent_tasks SET (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.01,
    autovacuum_vacuum_threshold = 500, autovacuum_vacuum_cost_delay = 0);

ALTER TABLE agent_executions
    ADD COLUMN task_id uuid,
    ADD COLUMN attempt integer,
    ADD COLUMN runner_id bigint,
    ADD CONSTRAINT agent_executions_status_is_known CHECK (coalesce(
        status IN ('queued', 'running', 'completed', 'failed', 'cancelled'), false)) NOT VALID;
CREATE UNIQUE INDEX agent_executions_attempt ON agent_executions (task_id, attempt)
    WHERE task_id IS NOT NULL;
CREATE INDEX agent_executions_created ON agent_executions USING brin (created_at);

-- One row for each daemon process. The id is new at every start, so neither a host name nor a pod
-- name that comes back can be mistaken for the runner that had it before.
CREATE TABLE task_runners (
    id bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    host text NOT NULL,
    pid integer NOT NULL,
    version text NOT NULL,
    slots integer NOT NULL CHECK (slots >= 1),
    task_types text[],                        -- NULL: all
    poll_s real NOT NULL CHECK (poll_s > 0),
    lease_s real NOT NULL CHECK (lease_s > 0),
    beat_s real NOT NULL CHECK (beat_s > 0),
    state text NOT NULL DEFAULT 'running'
        CHECK (state IN ('running', 'paused', 'stopping', 'stopped')),
    desired text NOT NULL DEFAULT 'run'
        CHECK (desired IN ('run', 'pause', 'idle', 'stop', 'stop_now')),
    wake text NOT NULL DEFAULT 'poll' CHECK (wake IN ('notify', 'poll')),
    waiting boolean NOT NULL DEFAULT false,   -- idle: the next INSERT should wake it
    lock_key bigint,                          -- held on its listening session, when that is direct
    lag_ms integer NOT NULL DEFAULT 0,        -- how late its event loop answered last
    started_at timestamptz NOT NULL DEFAULT oppspot_now(),
    beat_at timestamptz NOT NULL DEFAULT oppspot_now(),
    lease_until timestamptz NOT NULL
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.01);
COMMENT ON COLUMN task_runners.desired IS
    'What people ask of the runner: pause = claim nothing, idle = drain and stay, stop = drain and end.';

-- Results of finished steps: a later attempt gets them instead of running the step again.
CREATE TABLE agent_steps (
    task_id uuid NOT NULL REFERENCES agent_tasks (id) ON DELETE CASCADE,
    name text NOT NULL,
    seq integer NOT NULL CHECK (seq >= 0),
    result jsonb NOT NULL,
    attempt integer NOT NULL,
    created_at timestamptz NOT NULL DEFAULT oppspot_now(),
    PRIMARY KEY (task_id, name, seq)
);

-- What may not be claimed. `type` means a task_type or an agent_type.
CREATE TABLE task_pauses (
    scope text NOT NULL CHECK (scope IN ('agent', 'type', 'org')),
    key text NOT NULL,
    reason text,
    paused_at timestamptz NOT NULL DEFAULT oppspot_now(),
    PRIMARY KEY (scope, key)
);

-- Only runs for rows that do not start at once as they are; an ordinary INSERT does not pay for it.
CREATE FUNCTION agent_tasks_fill_in() RETURNS trigger
LANGUAGE plpgsql SET search_path FROM CURRENT AS
$$
BEGIN
    NEW.id := coalesce(NEW.id, oppspot_uuid());
    NEW.priority := coalesce(NEW.priority, 5);
    NEW.payload := coalesce(NEW.payload, '{}');
    NEW.status := coalesce(NEW.status, 'pending');
    NEW.task_type := coalesce(NEW.task_type, 'agent_execution');
    NEW.retry_count := coalesce(NEW.retry_count, 0);
    NEW.max_retries := coalesce(NEW.max_retries, 3);
    NEW.created_at := coalesce(NEW.created_at, oppspot_now());
    NEW.scheduled_for := coalesce(NEW.scheduled_for, oppspot_now());
    NEW.parked := NEW.status = 'pending' AND NEW.scheduled_for > oppspot_now();
    RETURN NEW;
END
$$;
CREATE TRIGGER agent_tasks_fill_in BEFORE INSERT ON agent_tasks FOR EACH ROW
WHEN ((NEW.scheduled_for <= oppspot_now() AND NOT NEW.parked AND NEW.priority IS NOT NULL
       AND NEW.payload IS NOT NULL AND NEW.status IS NOT NULL AND NEW.task_type IS NOT NULL
       AND NEW.retry_count IS NOT NULL AND NEW.max_retries IS NOT NULL
       AND NEW.created_at IS NOT NULL AND NEW.id IS NOT NULL) IS NOT TRUE)
EXECUTE FUNCTION agent_tasks_fill_in();

-- NOTIFY takes a lock that serialises commits, so a busy fleet is not woken: whoever has no free
-- slot asks again by itself as soon as it has one.
CREATE FUNCTION wake_task_runners() RETURNS void
LANGUAGE sql SET search_path FROM CURRENT AS
$$
    SELECT pg_notify('oppspot_wake', current_schema())
    WHERE EXISTS (SELECT FROM task_runners WHERE waiting AND lease_until > oppspot_now())
$$;
CREATE FUNCTION agent_tasks_wake() RETURNS trigger
LANGUAGE plpgsql SET search_path FROM CURRENT AS
$$
BEGIN
    PERFORM wake_task_runners();
    RETURN NULL;
END
$$;
CREATE TRIGGER agent_tasks_wake AFTER INSERT ON agent_tasks FOR EACH STATEMENT
EXECUTE FUNCTION agent_tasks_wake();

CREATE TRIGGER task_pauses_wake AFTER DELETE ON task_pauses FOR EACH STATEMENT
EXECUTE FUNCTION agent_tasks_wake();
