-- For people who live in SQL: put work in, take it back, start streams, and see how things stand.
--
--     SELECT enqueue_task('Daily digest', '{"days": 7}', priority => 8);
--     SELECT retry_task(id) FROM dead_letter_tasks WHERE error_message LIKE '%timed out%';
--     SELECT * FROM task_runner_stats;
--
-- * Whoever calls these needs no more rights than on the tables themselves, and sees the effects
--   when the calling transaction commits.
-- * What does not exist is refused as no_data_found, what is ambiguous as too_many_rows, what comes
--   too late as object_not_in_prerequisite_state, what breaks a rule as invalid_parameter_value or
--   as the violated constraint; each says what to do instead.

SET LOCAL lock_timeout = '30s';

CREATE INDEX ai_agents_name ON ai_agents (name);
CREATE INDEX ai_agents_type ON ai_agents (agent_type);

-- Signals wait here for the runs that they are meant for. Append-only; gone with their run.
CREATE TABLE run_signals (
    id uuid PRIMARY KEY DEFAULT oppspot_uuid(),
    run_id uuid NOT NULL REFERENCES stream_runs (id) ON DELETE CASCADE,
    name text NOT NULL CHECK (name <> '' AND length(name) <= 200),
    payload jsonb NOT NULL DEFAULT '{}' CHECK (pg_column_size(payload) <= 1048576),
    created_at timestamptz NOT NULL DEFAULT oppspot_now()
);
COMMENT ON TABLE run_signals IS 'What people or other systems tell a run of a stream while it is on.';
CREATE INDEX run_signals_run ON run_signals (run_id, name, created_at);

CREATE FUNCTION find_agent(agent text, org_id uuid DEFAULT NULL) RETURNS uuid
LANGUAGE plpgsql STABLE SET search_path FROM CURRENT AS
$$
DECLARE
    meant uuid[];
    shown text;
BEGIN
    IF agent ~* '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' THEN
        SELECT array_agg(a.id) INTO meant FROM ai_agents a WHERE a.id = find_agent.agent::uuid;
    END IF;
    IF meant IS NULL THEN
        -- A name wins over a type, an active agent over an inactive one.
        SELECT array_agg(c.id), string_agg(format('%s (%s)', c.name, c.id), ', ' ORDER BY c.id) INTO meant, shown
        FROM (
            SELECT a.id, a.name, rank() OVER (ORDER BY a.name IS DISTINCT FROM find_agent.agent,
                                              a.is_active IS FALSE) AS place
            FROM ai_agents a
            WHERE (a.name = find_agent.agent OR a.agent_type = find_agent.agent)
              AND (find_agent.org_id IS NULL OR a.org_id IS NULL OR a.org_id = find_agent.org_id)
        ) c WHERE c.place = 1;
    END IF;
    IF meant IS NULL THEN
        RAISE EXCEPTION 'there is no agent %', quote_literal(agent) USING ERRCODE = 'no_data_found',
            HINT = 'An agent is named by its id, its name or its agent_type: see `oppspot-runner agents list`.';
    ELSIF cardinality(meant) > 1 THEN
        RAISE EXCEPTION '% agents are called %: %', cardinality(meant), quote_literal(agent), left(shown, 500)
            USING ERRCODE = 'too_many_rows', HINT = 'Name the one that is meant by its id.';
    END IF;
    RETURN meant[1];
END
$$;
COMMENT ON FUNCTION find_agent(text, uuid) IS
    'The id of the agent with that id, name or agent_type, among those an organisation may use if one is given.';

-- The one place where tasks are made of calls. Their ids are made first, so that the answer keeps the
-- order of what was given.
CREATE FUNCTION enqueue_tasks(
    agent uuid, payloads jsonb[], unique_keys text[] DEFAULT NULL, priority integer DEFAULT 5,
    scheduled_for timestamptz DEFAULT NULL, stream_id uuid DEFAULT NULL, max_retries integer DEFAULT NULL,
    requested_by text DEFAULT NULL, task_type text DEFAULT NULL, org_id uuid DEFAULT NULL
) RETURNS uuid[]
LANGUAGE plpgsql SET search_path FROM CURRENT AS
$$
#variable_conflict use_column
DECLARE
    doer ai_agents;
    goal streams;
    owner uuid;
    fault text;
    fresh uuid[] := ARRAY(SELECT oppspot_uuid() FROM generate_subscripts(payloads, 1));
    answer uuid[] := fresh;
BEGIN
    SELECT * INTO doer FROM ai_agents a WHERE a.id = enqueue_tasks.agent;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'there is no agent %', coalesce(enqueue_tasks.agent::text, 'NULL')
            USING ERRCODE = 'no_data_found', HINT = 'See `oppspot-runner agents list`.';
    END IF;
    IF enqueue_tasks.stream_id IS NOT NULL THEN
        SELECT * INTO goal FROM streams s WHERE s.id = enqueue_tasks.stream_id;
        IF NOT FOUND THEN
            RAISE EXCEPTION 'there is no stream %', enqueue_tasks.stream_id
                USING ERRCODE = 'no_data_found', HINT = 'See `oppspot-runner streams list`.';
        END IF;
    END IF;
    owner := coalesce(enqueue_tasks.org_id, doer.org_id, goal.org_id);
    -- The table refuses these too, but tells it with the whole row and statement.
    fault := CASE
        WHEN enqueue_tasks.priority NOT BETWEEN 1 AND 10
            THEN format('the priority is %s, not 1 to 10', enqueue_tasks.priority)
        WHEN enqueue_tasks.max_retries < 0 THEN format('max_retries is %s, less than 0', enqueue_tasks.max_retries)
        WHEN enqueue_tasks.task_type = '' THEN 'the task_type is empty'
        WHEN cardinality(enqueue_tasks.unique_keys) <> cardinality(payloads)
            THEN format('there are %s unique keys for %s payloads', cardinality(enqueue_tasks.unique_keys), cardinality(payloads))
        WHEN doer.org_id <> owner
             OR (enqueue_tasks.stream_id IS NOT NULL AND goal.org_id IS DISTINCT FROM owner)
            THEN format('the agent belongs to organisation %s, the stream to %s, the task to %s',
                        coalesce(doer.org_id::text, 'none'), coalesce(goal.org_id::text, 'none'), coalesce(owner::text, 'none'))
        ELSE (SELECT format('the payload is %s, not a JSON object', jsonb_typeof(p)) FROM unnest(payloads) p
              WHERE jsonb_typeof(p) <> 'object' LIMIT 1)
    END;
    IF fault IS NOT NULL THEN
        RAISE EXCEPTION '%', fault USING ERRCODE = 'invalid_parameter_value';
    END IF;

    INSERT INTO agent_tasks (id, agent_id, org_id, stream_id, task_type, priority, payload, scheduled_for,
                             max_retries, requested_by, unique_key)
    SELECT g.id, doer.id, owner, enqueue_tasks.stream_id,
           coalesce(enqueue_tasks.task_type, nullif(doer.configuration ->> 'task_type', ''), 'agent_execution'),
           coalesce(enqueue_tasks.priority, 5), coalesce(g.payload, '{}'),
           coalesce(enqueue_tasks.scheduled_for, oppspot_now()), coalesce(enqueue_tasks.max_retries, 3),
           enqueue_tasks.requested_by, g.unique_key
    FROM unnest(fresh, payloads, unique_keys) WITH ORDINALITY AS g (id, payload, unique_key, place)
    ORDER BY g.place
    ON CONFLICT (unique_key) WHERE unique_key IS NOT NULL AND status IN ('pending', 'processing') DO NOTHING;

    IF array_length(array_remove(unique_keys, NULL), 1) > 0 THEN
        SELECT array_agg(coalesce(n.id, t.id) ORDER BY g.place) INTO answer
        FROM unnest(fresh, unique_keys) WITH ORDINALITY AS g (id, unique_key, place)
        LEFT JOIN agent_tasks n ON n.id = g.id
        LEFT JOIN agent_tasks t ON t.unique_key = g.unique_key AND t.status IN ('pending', 'processing');
        -- What had the key has ended since: then the key is free again.
        answer := ARRAY(
            SELECT coalesce(g.id, enqueue_task(doer.id, g.payload, priority, scheduled_for, stream_id, g.unique_key,
                                               max_retries, requested_by, task_type, org_id))
            FROM unnest(answer, payloads, unique_keys) WITH ORDINALITY AS g (id, payload, unique_key, place)
            ORDER BY g.place);
    END IF;
    RETURN answer;
END
$$;
COMMENT ON FUNCTION enqueue_tasks(uuid, jsonb[], text[], integer, timestamptz, uuid, integer, text, text, uuid) IS
    'Adds a task for each payload; returns their ids in order, for a key that is taken the id of the task that has it.';

CREATE FUNCTION enqueue_task(
    agent uuid, payload jsonb DEFAULT '{}', priority integer DEFAULT 5, scheduled_for timestamptz DEFAULT NULL,
    stream_id uuid DEFAULT NULL, unique_key text DEFAULT NULL, max_retries integer DEFAULT NULL,
    requested_by text DEFAULT NULL, task_type text DEFAULT NULL, org_id uuid DEFAULT NULL
) RETURNS uuid
LANGUAGE sql SET search_path FROM CURRENT AS
$$
    SELECT (enqueue_tasks(agent, ARRAY[payload], ARRAY[unique_key], priority, scheduled_for, stream_id, max_retries,
                          requested_by, task_type, org_id))[1]
$$;
COMMENT ON FUNCTION enqueue_task(uuid, jsonb, integer, timestamptz, uuid, text, integer, text, text, uuid) IS
    'Adds a task for an agent and returns its id; when the unique_key is taken, the id of the task that has it.';

CREATE FUNCTION enqueue_task(
    agent text, payload jsonb DEFAULT '{}', priority integer DEFAULT 5, scheduled_for timestamptz DEFAULT NULL,
    stream_id uuid DEFAULT NULL, unique_key text DEFAULT NULL, max_retries integer DEFAULT NULL,
    requested_by text DEFAULT NULL, task_type text DEFAULT NULL, org_id uuid DEFAULT NULL
) RETURNS uuid
LANGUAGE sql SET search_path FROM CURRENT AS
$$
    SELECT (enqueue_tasks(find_agent(agent, org_id), ARRAY[payload], ARRAY[unique_key], priority, scheduled_for,
                          stream_id, max_retries, requested_by, task_type, org_id))[1]
$$;
COMMENT ON FUNCTION enqueue_task(text, jsonb, integer, timestamptz, uuid, text, integer, text, text, uuid) IS
    'The same for an agent named by its id, its name or its agent_type.';

CREATE FUNCTION retry_task(id uuid) RETURNS boolean
LANGUAGE plpgsql SET search_path FROM CURRENT AS
$$
DECLARE
    task agent_tasks;
BEGIN
    SELECT t.* INTO task FROM agent_tasks t WHERE t.id = retry_task.id FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'there is no task %', coalesce(retry_task.id::text, 'NULL') USING ERRCODE = 'no_data_found',
            HINT = 'Completed and cancelled tasks are deleted after their retention.';
    END IF;
    IF task.status IN ('pending', 'processing') THEN
        RAISE NOTICE 'task % is %: nothing to retry', task.id, task.status;
        RETURN false;
    END IF;
    UPDATE agent_tasks t SET status = 'pending', retry_count = 0, crash_count = 0, scheduled_for = oppspot_now()
    WHERE t.id = task.id;
    RETURN true;
EXCEPTION WHEN unique_violation THEN
    RAISE EXCEPTION 'another task with the unique_key % waits or runs already', quote_literal(task.unique_key)
        USING ERRCODE = 'object_not_in_prerequisite_state', HINT = 'Wait for its end, or cancel it first.';
END
$$;
COMMENT ON FUNCTION retry_task(uuid) IS
    'Puts an ended task in line again with all its retries; false when it waits or runs already.';

CREATE FUNCTION cancel_task(id uuid, reason text DEFAULT NULL) RETURNS boolean
LANGUAGE plpgsql SET search_path FROM CURRENT AS
$$
DECLARE
    task agent_tasks;
    why text := coalesce(nullif(reason, ''), 'cancelled on request');
BEGIN
    SELECT t.* INTO task FROM agent_tasks t WHERE t.id = cancel_task.id FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'there is no task %', coalesce(cancel_task.id::text, 'NULL') USING ERRCODE = 'no_data_found',
            HINT = 'Completed and cancelled tasks are deleted after their retention.';
    END IF;
    IF task.status = 'pending' THEN
        UPDATE agent_tasks t SET status = 'cancelled', error_message = why, cancel_reason = why,
            cancel_requested_at = oppspot_now() WHERE t.id = task.id;
    ELSIF task.status = 'processing' THEN
        -- Its runner ends it: it is told now, and reads it with its next heartbeat anyway.
        UPDATE agent_tasks t SET cancel_requested_at = coalesce(t.cancel_requested_at, oppspot_now()),
            cancel_reason = why WHERE t.id = task.id;
        PERFORM pg_notify('oppspot_wake', current_schema() || '/' || task.runner_id || '!');
    ELSE
        RAISE NOTICE 'task % is %: nothing to cancel', task.id, task.status;
        RETURN false;
    END IF;
    RETURN true;
END
$$;
COMMENT ON FUNCTION cancel_task(uuid, text) IS
    'Cancels a waiting task at once and asks the runner of a running one to end it; false when it ended already.';

CREATE FUNCTION run_stream(
    id uuid, payload jsonb DEFAULT '{}', priority integer DEFAULT 5, requested_by text DEFAULT NULL
) RETURNS uuid
LANGUAGE plpgsql SET search_path FROM CURRENT AS
$$
BEGIN
    PERFORM FROM streams s WHERE s.id = run_stream.id;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'there is no stream %', coalesce(run_stream.id::text, 'NULL')
            USING ERRCODE = 'no_data_found', HINT = 'See `oppspot-runner streams list`.';
    END IF;
    RETURN open_stream_run(id, NULL, NULL, coalesce(payload, '{}'), coalesce(priority, 5), requested_by);
END
$$;
COMMENT ON FUNCTION run_stream(uuid, jsonb, integer, text) IS
    'Starts all agents of a stream, each after those it depends on; returns the id of the run in stream_runs.';

CREATE FUNCTION signal_run(run_id uuid, name text, payload jsonb DEFAULT '{}') RETURNS uuid
LANGUAGE plpgsql SET search_path FROM CURRENT AS
$$
DECLARE
    state text;
    made uuid;
BEGIN
    SELECT r.status INTO state FROM stream_runs r WHERE r.id = signal_run.run_id;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'there is no run %', coalesce(signal_run.run_id::text, 'NULL')
            USING ERRCODE = 'no_data_found', HINT = 'See `oppspot-runner runs list`.';
    ELSIF state <> 'running' THEN
        RAISE EXCEPTION 'run % is % already', signal_run.run_id, state
            USING ERRCODE = 'object_not_in_prerequisite_state', HINT = 'Only a run that is on can be told something.';
    END IF;
    INSERT INTO run_signals (run_id, name, payload)
    VALUES (signal_run.run_id, signal_run.name, coalesce(signal_run.payload, '{}')) RETURNING run_signals.id INTO made;
    RETURN made;
END
$$;
COMMENT ON FUNCTION signal_run(uuid, text, jsonb) IS
    'Keeps a signal for a run of a stream that is on; returns the id of its row in run_signals.';

CREATE VIEW dead_letter_tasks AS
SELECT t.id, t.agent_id, a.name AS agent_name, a.agent_type, t.org_id, t.stream_id, t.run_id, t.task_type, t.priority,
       t.payload, t.error_message, t.attempt AS attempts, t.retry_count, t.max_retries, t.crash_count,
       t.requested_by, t.unique_key, t.created_at, t.finished_at AS failed_at, oppspot_now() - t.finished_at AS age
FROM agent_tasks t LEFT JOIN ai_agents a ON a.id = t.agent_id
WHERE t.status = 'failed';
COMMENT ON VIEW dead_letter_tasks IS
    'Tasks that failed for good. They stay until somebody retries or deletes them; age counts from their failure.';

CREATE VIEW task_runner_stats AS
SELECT count(*) FILTER (WHERE status = 'pending') AS pending,
       count(*) FILTER (WHERE status = 'processing') AS processing,
       count(*) FILTER (WHERE status = 'completed') AS completed,
       count(*) FILTER (WHERE status = 'failed') AS failed,
       count(*) FILTER (WHERE status = 'cancelled') AS cancelled,
       count(*) AS total
FROM agent_tasks;
COMMENT ON VIEW task_runner_stats IS
    'How many tasks there are in each status; ended ones count until their retention is over.';

CREATE VIEW agent_performance AS
SELECT a.id AS agent_id, a.name AS agent_name, a.agent_type, a.org_id,
       coalesce(t.pending, 0) AS tasks_pending, coalesce(t.processing, 0) AS tasks_processing,
       coalesce(t.completed, 0) AS tasks_completed, coalesce(t.failed, 0) AS tasks_failed,
       coalesce(t.cancelled, 0) AS tasks_cancelled, coalesce(e.attempts, 0) AS attempts,
       round(t.completed::numeric / nullif(t.completed + t.failed, 0), 4) AS success_rate,
       e.avg_duration_ms, e.p50_duration_ms, e.p95_duration_ms, e.last_run_at
FROM ai_agents a
LEFT JOIN (
    SELECT agent_id, count(*) FILTER (WHERE status = 'pending') AS pending,
           count(*) FILTER (WHERE status = 'processing') AS processing,
           count(*) FILTER (WHERE status = 'completed') AS completed,
           count(*) FILTER (WHERE status = 'failed') AS failed,
           count(*) FILTER (WHERE status = 'cancelled') AS cancelled
    FROM agent_tasks GROUP BY agent_id
) t ON t.agent_id = a.id
LEFT JOIN (
    SELECT agent_id, count(*) FILTER (WHERE status <> 'queued') AS attempts,
           round(avg(duration_ms) FILTER (WHERE status = 'completed'))::integer AS avg_duration_ms,
           percentile_disc(0.5) WITHIN GROUP (ORDER BY duration_ms) FILTER (WHERE status = 'completed') AS p50_duration_ms,
           percentile_disc(0.95) WITHIN GROUP (ORDER BY duration_ms) FILTER (WHERE status = 'completed') AS p95_duration_ms,
           max(started_at) AS last_run_at
    FROM agent_executions GROUP BY agent_id
) e ON e.agent_id = a.id;
COMMENT ON VIEW agent_performance IS
    'One row an agent: tasks by status, share of ended tasks that completed, durations of completed attempts, last run.';
COMMENT ON COLUMN agent_performance.success_rate IS 'completed / (completed + failed) tasks; NULL when none ended.';
COMMENT ON COLUMN agent_performance.attempts IS 'Attempts that began, also those that were retried or given back.';

INSERT INTO oppspot_migrations (number, name, breaking, applied_at)
VALUES (6, 'functions', false, oppspot_now());
