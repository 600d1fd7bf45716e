-- What follows the end of an agent, planned once for each session: a function in plain SQL is planned anew
-- with each call, which took longer than its work.

SET LOCAL lock_timeout = '30s';

-- The nodes that the ends of some may change, these included. Those below one that completes are only
-- counted down, except where a condition may skip one; those below all others may be skipped in turn; a node
-- whose task comes back touches no other.
CREATE OR REPLACE FUNCTION run_nodes_touched(p_runs uuid[], p_agents uuid[], p_states text[])
RETURNS TABLE (run_id uuid, agent_id uuid)
LANGUAGE plpgsql STABLE ROWS 10 SET search_path FROM CURRENT AS
$$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    WITH RECURSIVE touched AS (
        SELECT r AS run_id, a AS agent_id, s = 'completed' AS completed, s <> 'pending' AS goes_on
        FROM unnest(p_runs, p_agents, p_states) AS given (r, a, s)
        UNION
        SELECT d.run_id, d.agent_id, false,
               (NOT t.completed AND d.on_failure <> 'run') OR d.condition IS NOT NULL
        FROM touched t
        JOIN stream_run_nodes n ON n.run_id = t.run_id AND n.agent_id = t.agent_id
        CROSS JOIN LATERAL unnest(n.dependents) x
        CROSS JOIN LATERAL (SELECT * FROM stream_run_nodes l WHERE l.run_id = n.run_id AND l.agent_id = x LIMIT 1) d
        WHERE t.goes_on
    )
    SELECT DISTINCT t.run_id, t.agent_id FROM touched t;
END
$$;

-- Locks all that the ends of some nodes may change.
CREATE OR REPLACE FUNCTION lock_run_nodes(p_runs uuid[], p_agents uuid[], p_states text[]) RETURNS void
LANGUAGE plpgsql SET search_path FROM CURRENT AS
$$
BEGIN
    PERFORM FROM stream_runs WHERE id = ANY (p_runs) AND (strategy <> 'event' OR max_parallel IS NOT NULL)
    ORDER BY id FOR NO KEY UPDATE;
    PERFORM FROM (SELECT t.run_id, t.agent_id FROM run_nodes_touched(p_runs, p_agents, p_states) t
                  ORDER BY t.run_id, t.agent_id) t
    CROSS JOIN LATERAL (SELECT FROM stream_run_nodes l WHERE l.run_id = t.run_id AND l.agent_id = t.agent_id
                        LIMIT 1 FOR NO KEY UPDATE) n;
END
$$;

-- What follows from nodes that have just ended, all locked: those that wait for them are counted down, and
-- decided about when it is time; those that this ends count in turn. With p_first the nodes given have not
-- ended, but are the first of a run, which wait for its beginning.
CREATE OR REPLACE FUNCTION advance_run_nodes(p_runs uuid[], p_agents uuid[], p_first boolean DEFAULT false) RETURNS integer
LANGUAGE plpgsql SET search_path FROM CURRENT AS
$$
DECLARE
    runs uuid[] := p_runs;
    agents uuid[] := p_agents;
    ended uuid[] := CASE WHEN p_first THEN '{}' ELSE p_runs END;
    opening boolean := p_first;
    paced uuid[] := ARRAY(SELECT id FROM stream_runs WHERE id = ANY (p_runs)
                          AND (strategy <> 'event' OR max_parallel IS NOT NULL));
    some_runs uuid[];
    some_agents uuid[];
    starting uuid[] := '{}';
    started integer := 0;
BEGIN
    WHILE cardinality(runs) > 0 LOOP
        WITH below AS MATERIALIZED (
            SELECT r AS run_id, a AS agent_id, 1 AS times, true AS whole FROM unnest(runs, agents) g (r, a) WHERE opening
            UNION ALL
            SELECT n.run_id, x, count(*)::integer, bool_and(n.status = 'completed')
            FROM unnest(runs, agents) g (r, a)
            JOIN stream_run_nodes n ON n.run_id = g.r AND n.agent_id = g.a
            CROSS JOIN LATERAL unnest(n.dependents) x
            WHERE NOT opening GROUP BY n.run_id, x
        ), decided AS MATERIALIZED (
            SELECT n.run_id, n.agent_id, n.open_dependencies - b.times AS unmet, f.fault, CASE
                WHEN NOT b.whole AND n.on_failure = 'skip' THEN 'skipped'
                WHEN NOT b.whole AND n.on_failure = 'fail' THEN 'failed'
                WHEN n.open_dependencies > b.times THEN 'waiting'
                WHEN f.fault IS NOT NULL THEN 'skipped'
                WHEN n.requires_approval THEN 'awaiting_approval'
                WHEN n.run_id = ANY (paced) THEN 'ready'
                ELSE 'queued' END AS becomes
            FROM below b
            CROSS JOIN LATERAL (SELECT * FROM stream_run_nodes l WHERE l.run_id = b.run_id AND l.agent_id = b.agent_id LIMIT 1) n
            CROSS JOIN LATERAL (SELECT CASE WHEN n.condition IS NOT NULL AND n.open_dependencies = b.times
                AND (b.whole OR n.on_failure = 'run') THEN condition_fault(n.run_id, n.agent_id) END AS fault) f
            WHERE n.status = 'waiting'
        ), moved AS (
            UPDATE stream_run_nodes n SET
                open_dependencies = d.unmet, status = d.becomes, reason = d.fault,
                task_id = CASE d.becomes WHEN 'queued' THEN oppspot_uuid() END,
                approve_by = CASE d.becomes WHEN 'awaiting_approval' THEN oppspot_now() + n.approval_timeout END,
                finished_at = CASE WHEN d.becomes IN ('skipped', 'failed') THEN oppspot_now() END
            FROM decided d WHERE n.run_id = d.run_id AND n.agent_id = d.agent_id
            RETURNING n.run_id, n.agent_id, n.status
        )
        SELECT array_agg(run_id) FILTER (WHERE status IN ('skipped', 'failed')),
               array_agg(agent_id) FILTER (WHERE status IN ('skipped', 'failed')),
               starting || array_agg(agent_id) FILTER (WHERE status = 'queued')
        INTO some_runs, some_agents, starting FROM moved;
        runs := some_runs;
        agents := some_agents;
        ended := ended || runs;
        opening := false;
    END LOOP;
    IF cardinality(starting) > 0 THEN
        started := start_run_tasks(p_runs, starting);
    END IF;
    IF cardinality(paced) > 0 THEN
        started := started + admit_run_nodes(paced);
    END IF;
    PERFORM close_run_nodes(ended);
    RETURN started;
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

-- The plans that are kept find every row by its key, here and by LATERAL ... LIMIT 1 above: one that was made
-- while the tables were small would else read them whole until they are analysed. It seems dear: so no jit.
ALTER FUNCTION settle_run_nodes(uuid[], uuid[], text[], uuid[]) SET plan_cache_mode = force_generic_plan;
ALTER FUNCTION settle_run_nodes(uuid[], uuid[], text[], uuid[]) SET enable_seqscan = off;
ALTER FUNCTION settle_run_nodes(uuid[], uuid[], text[], uuid[]) SET enable_hashjoin = off;
ALTER FUNCTION settle_run_nodes(uuid[], uuid[], text[], uuid[]) SET enable_mergejoin = off;
ALTER FUNCTION settle_run_nodes(uuid[], uuid[], text[], uuid[]) SET jit = off;

INSERT INTO oppspot_migrations (number, name, breaking, applied_at)
VALUES (24, 'planned_once', false, oppspot_now());
