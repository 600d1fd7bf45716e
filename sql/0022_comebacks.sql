-- Those who follow a run see why an agent of it does not run: what its task waits for, or the error of an
-- attempt that is repeated, and when it goes on. And signals that nobody could use are refused.
--
-- A task that comes back settles nothing, but its event is written where ends are settled, by the transaction
-- that puts it back and in the one order of locks: tasks, runs with a pace, nodes, the other runs.

SET LOCAL lock_timeout = '30s';

-- As before; a node whose task comes back touches no other.
CREATE OR REPLACE FUNCTION run_nodes_touched(p_runs uuid[], p_agents uuid[], p_states text[])
RETURNS TABLE (run_id uuid, agent_id uuid)
LANGUAGE sql STABLE ROWS 10 SET search_path FROM CURRENT AS
$$
    WITH RECURSIVE touched AS (
        SELECT r AS run_id, a AS agent_id, s = 'completed' AS completed, s <> 'pending' AS goes_on
        FROM unnest(p_runs, p_agents, p_states) AS given (r, a, s)
        UNION
        SELECT d.run_id, d.agent_id, false,
               (NOT t.completed AND d.on_failure <> 'run') OR d.condition IS NOT NULL
        FROM touched t
        JOIN stream_run_nodes n ON n.run_id = t.run_id AND n.agent_id = t.agent_id
        CROSS JOIN LATERAL unnest(n.dependents) x
        JOIN stream_run_nodes d ON d.run_id = n.run_id AND d.agent_id = x
        WHERE t.goes_on
    )
    SELECT DISTINCT t.run_id, t.agent_id FROM touched t
$$;

-- Tells of tasks that came back, and when they go on. The nodes are locked.
CREATE FUNCTION tell_comebacks(p_runs uuid[], p_agents uuid[], p_states text[]) RETURNS void
LANGUAGE plpgsql SET search_path FROM CURRENT AS
$$
BEGIN
    -- All of the settlement at once, before the events of its ends take some of them.
    PERFORM FROM stream_runs r WHERE r.id = ANY (p_runs) ORDER BY r.id FOR NO KEY UPDATE;
    PERFORM add_run_events(array_agg((n.run_id, 0, 'status', n.agent_id, t.id, t.attempt, NULL,
        jsonb_strip_nulls(jsonb_build_object(
            'status', CASE WHEN w.task_id IS NULL THEN 'queued' ELSE 'waiting' END,
            'error', CASE WHEN w.task_id IS NULL AND e.status = 'failed' THEN e.error_message END,
            'reason', CASE WHEN w.task_id IS NOT NULL THEN 'for ' || w.waits_for
                           WHEN e.status = 'cancelled' THEN e.error_message END,
            'due_at', CASE WHEN t.parked AND t.scheduled_for < '9999-01-01Z' THEN t.scheduled_for END)),
        NULL)::run_events ORDER BY n.run_id, n.level, n.execution_order NULLS LAST, n.agent_id))
    FROM unnest(p_runs, p_agents, p_states) g (run_id, agent_id, state)
    JOIN stream_run_nodes n ON n.run_id = g.run_id AND n.agent_id = g.agent_id AND n.status = 'queued'
    JOIN agent_tasks t ON t.id = n.task_id AND t.status = 'pending'
    LEFT JOIN waiting_tasks w ON w.task_id = t.id
    LEFT JOIN agent_executions e ON e.task_id = t.id AND e.attempt = t.attempt
    WHERE g.state = 'pending';
END
$$;

-- As before; a state may also be `pending`: the task came back, which is only told.
CREATE OR REPLACE FUNCTION settle_run_nodes(p_runs uuid[], p_agents uuid[], p_states text[], p_executions uuid[])
RETURNS integer
LANGUAGE plpgsql SET search_path FROM CURRENT AS
$$
DECLARE
    runs uuid[];
    agents uuid[];
BEGIN
    PERFORM lock_run_nodes(p_runs, p_agents, p_states);
    IF 'pending' = ANY (p_states) THEN
        PERFORM tell_comebacks(p_runs, p_agents, p_states);
    END IF;
    WITH ended AS (
        UPDATE stream_run_nodes n SET status = g.s, execution_id = coalesce(g.e, n.execution_id), finished_at = oppspot_now()
        FROM unnest(p_runs, p_agents, p_states, p_executions) g (r, a, s, e)
        WHERE n.run_id = g.r AND n.agent_id = g.a AND n.status = 'queued' AND g.s <> 'pending'
        RETURNING n.run_id, n.agent_id
    )
    SELECT array_agg(run_id), array_agg(agent_id) INTO runs, agents FROM ended;
    RETURN advance_run_nodes(runs, agents);
END
$$;

-- As before; a name or a payload that no agent could get is refused, as it is by the command line and in Python.
CREATE OR REPLACE FUNCTION signal_run(run_id uuid, name text, payload jsonb DEFAULT '{}') RETURNS uuid
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
    ELSIF coalesce(btrim(signal_run.name), '') = '' THEN
        RAISE EXCEPTION 'the name of the signal is empty' USING ERRCODE = 'invalid_parameter_value',
            HINT = 'Give the name that the agent waits for, as in signal_run(run_id, ''approval'').';
    ELSIF jsonb_typeof(signal_run.payload) <> 'object' THEN
        RAISE EXCEPTION 'the payload of the signal % is a JSON %, not an object', signal_run.name, jsonb_typeof(signal_run.payload)
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Write an object such as {"by": "ann"}, or nothing.';
    END IF;
    INSERT INTO run_signals (run_id, name, payload)
    VALUES (signal_run.run_id, signal_run.name, coalesce(signal_run.payload, '{}')) RETURNING run_signals.id INTO made;
    RETURN made;
END
$$;

INSERT INTO oppspot_migrations (number, name, breaking, applied_at)
VALUES (22, 'comebacks', false, oppspot_now());
