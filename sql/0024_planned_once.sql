-- What follows the end of an agent, planned once for each session: a function in plain SQL is planned anew
-- with each call, which took longer than its work.

-- The nodes that the ends of some may change, these included. Those below one that completes are only
-- counted down, except where a condition may skip one; those below all others may be skipped in turn.
CREATE OR REPLACE FUNCTION run_nodes_touched(p_runs uuid[], p_agents uuid[], p_states text[])
RETURNS TABLE (run_id uuid, agent_id uuid)
LANGUAGE plpgsql STABLE ROWS 10 SET search_path FROM CURRENT AS
$$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    WITH RECURSIVE touched AS (
        SELECT r AS run_id, a AS agent_id, s = 'completed' AS completed, true AS goes_on
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
    SELECT DISTINCT t.run_id, t.agent_id FROM touched t;
END
$$;

-- Inserts the tasks of nodes that were queued, in the documented order; how many. A node of a graph gets the
-- output of the one above it, all others what the run was given.
CREATE OR REPLACE FUNCTION start_run_tasks(p_runs uuid[], p_agents uuid[]) RETURNS integer
LANGUAGE plpgsql SET search_path FROM CURRENT AS
$$
DECLARE
    started integer;
BEGIN
    INSERT INTO agent_tasks (id, agent_id, org_id, stream_id, task_type, priority, payload, requested_by, run_id, limit_key)
    SELECT n.task_id, n.agent_id, r.org_id, r.stream_id,
           coalesce(nullif(a.configuration ->> 'task_type', ''), 'agent_execution'),
           r.priority, i.input, r.requested_by, r.id, agent_limit_key(a.configuration, i.input)
    FROM stream_run_nodes n
    JOIN stream_runs r ON r.id = n.run_id
    JOIN ai_agents a ON a.id = n.agent_id
    CROSS JOIN LATERAL (
        SELECT CASE WHEN r.stream_id IS NOT NULL OR n.depends_on = '{}' THEN r.payload
               ELSE coalesce((SELECT e.output_data FROM stream_run_nodes p JOIN agent_executions e ON e.id = p.execution_id
                              WHERE p.run_id = n.run_id AND p.agent_id = n.depends_on[1]), '{}') END AS input) i
    WHERE n.run_id = ANY (p_runs) AND n.agent_id = ANY (p_agents) AND n.status = 'queued'
      AND NOT EXISTS (SELECT FROM agent_tasks t WHERE t.id = n.task_id)
    ORDER BY n.run_id, n.execution_order NULLS LAST, n.agent_id;
    GET DIAGNOSTICS started = ROW_COUNT;
    RETURN started;
END
$$;

-- What became of nodes. What ended is told of before what starts because of it, an output before the status.
CREATE OR REPLACE FUNCTION tell_run_nodes(p_nodes stream_run_nodes[]) RETURNS void
LANGUAGE plpgsql SET search_path FROM CURRENT AS
$$
BEGIN
    PERFORM add_run_events(array_agg((n.run_id, 0, e.type, n.agent_id, n.task_id, t.attempt,
            CASE WHEN n.status = 'completed' THEN n.execution_id END, e.data, NULL)::run_events
        ORDER BY n.run_id, array_position('{completed,failed,cancelled,skipped}'::text[], n.status),
                 n.level, n.execution_order NULLS LAST, n.agent_id, e.type))
    FROM unnest(p_nodes) n
    LEFT JOIN LATERAL (
        SELECT x.attempt, x.error_message FROM agent_tasks x
        WHERE x.id = n.task_id AND n.status IN ('completed', 'failed', 'cancelled')) t ON true
    CROSS JOIN LATERAL (
        SELECT 'status' AS type, jsonb_strip_nulls(jsonb_build_object('status', n.status,
            'error', CASE WHEN n.status = 'failed' THEN coalesce(t.error_message, n.reason) END,
            'reason', CASE n.status WHEN 'cancelled' THEN coalesce(t.error_message, n.reason)
                                    WHEN 'skipped' THEN n.reason END)) AS data
        UNION ALL SELECT 'output', '{}' WHERE n.status = 'completed') e;
END
$$;

-- What changed of nodes. Old and new are paired by grouping: no plan for pairs that is kept fits both one and
-- a thousand.
CREATE OR REPLACE FUNCTION stream_run_nodes_tell() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS
$$
DECLARE
    changed stream_run_nodes[];
BEGIN
    IF TG_OP = 'INSERT' THEN
        SELECT array_agg(ROW(n.*)::stream_run_nodes) INTO changed FROM new_nodes n WHERE n.status <> 'waiting';
    ELSE
        SELECT array_agg(p.node) INTO changed FROM (
            SELECT (array_agg(v.node) FILTER (WHERE v.is_new))[1] AS node
            FROM (SELECT n.run_id, n.agent_id, n.status, ROW(n.*)::stream_run_nodes AS node, true AS is_new FROM new_nodes n
                  UNION ALL SELECT o.run_id, o.agent_id, o.status, NULL, false FROM old_nodes o) v
            GROUP BY v.run_id, v.agent_id HAVING min(v.status) <> max(v.status)) p;
    END IF;
    IF changed IS NOT NULL THEN
        PERFORM tell_run_nodes(changed);
    END IF;
    RETURN NULL;
END
$$;

-- Adds events, in the order given; their numbers are still to be taken. Runs that are gone get none.
CREATE OR REPLACE FUNCTION add_run_events(p_events run_events[]) RETURNS void
LANGUAGE plpgsql SET search_path FROM CURRENT AS
$$
DECLARE
    told record;
    before bigint;
    followed boolean;
BEGIN
    FOR told IN
        SELECT r.id, g.events
        FROM (SELECT e.run_id, array_agg(ROW(e.run_id, e.seq, e.type, e.agent_id, e.task_id, e.attempt,
                     e.execution_id, e.data, e.created_at)::run_events ORDER BY e.place) AS events
              FROM unnest(p_events) WITH ORDINALITY
                  AS e (run_id, seq, type, agent_id, task_id, attempt, execution_id, data, created_at, place)
              GROUP BY e.run_id) g
        JOIN stream_runs r ON r.id = g.run_id
        ORDER BY r.strategy = 'event' AND r.max_parallel IS NULL, r.id
    LOOP
        UPDATE stream_runs SET last_event = last_event + cardinality(told.events) WHERE id = told.id
        RETURNING last_event - cardinality(told.events), followed_until > oppspot_now() INTO before, followed;
        INSERT INTO run_events (run_id, seq, type, agent_id, task_id, attempt, execution_id, data, created_at)
        SELECT told.id, before + e.place, e.type, e.agent_id, e.task_id, e.attempt, e.execution_id, e.data, oppspot_now()
        FROM unnest(told.events) WITH ORDINALITY
            AS e (run_id, seq, type, agent_id, task_id, attempt, execution_id, data, created_at, place)
        WHERE before IS NOT NULL;
        IF followed THEN
            PERFORM pg_notify('oppspot_events', told.id::text);
        END IF;
    END LOOP;
END
$$;

-- The plans that are kept find every row by its key: one that was made while the tables were small would
-- read them whole until they are analysed. What they cost is then written much too high, so: no jit.
ALTER FUNCTION settle_run_nodes(uuid[], uuid[], text[], uuid[]) SET plan_cache_mode = force_generic_plan;
ALTER FUNCTION settle_run_nodes(uuid[], uuid[], text[], uuid[]) SET enable_seqscan = off;
ALTER FUNCTION settle_run_nodes(uuid[], uuid[], text[], uuid[]) SET enable_hashjoin = off;
ALTER FUNCTION settle_run_nodes(uuid[], uuid[], text[], uuid[]) SET enable_mergejoin = off;
ALTER FUNCTION settle_run_nodes(uuid[], uuid[], text[], uuid[]) SET jit = off;

INSERT INTO oppspot_migrations (number, name, breaking, applied_at)
VALUES (24, 'planned_once', false, oppspot_now());
