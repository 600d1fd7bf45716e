-- Graphs: conditions, what a failure above means, strategies, approvals, and graphs by ai_agents.parent_id.
--
-- A node of a run is `waiting` for others; `awaiting_approval`, when somebody has to say yes first; `ready`,
-- when only the pace of its run holds it; `queued`, when its task exists; and then it has ended.
--
-- * `open_dependencies` counts the ends that a node waits for, whatever they are. The first end above it
--   that is no completion decides about it at once: it is skipped, or fails, unless its on_failure is
--   `run`. So the end of a run does not depend on the order in which its nodes end.
-- * A strategy is laid at the start, as numbers: `level` has a node wait for all of lower levels,
--   `sequential` gives each node a level of its own. Edges for that would be 250,000 between two levels of
--   500, and would have to be told from those that carry outputs and failures.
-- * Rows are locked in one order: tasks by id, then the runs that have a pace, then nodes, then the other
--   runs. In a run with a pace any end may start any node, so its row is locked before its nodes; in all
--   others the nodes that an end may touch follow from the graph alone, and are locked once.

SET LOCAL lock_timeout = '30s';

-- What a condition may look at is checked when it is written: one that is wrong would else be found when
-- the agents above it have done their work.
CREATE FUNCTION condition_is_usable(condition jsonpath) RETURNS boolean
LANGUAGE plpgsql IMMUTABLE STRICT AS
$$
DECLARE
    root text;
    dot text;
    word text;
BEGIN
    -- In its text form all names stand in double quotes, behind the $ and the dot that they follow.
    FOR root, dot, word IN
        SELECT m[1], m[2], m[3] FROM regexp_matches(condition::text, '(\$)?(\.)?"((?:\\.|[^"\\])*)"', 'g') m
    LOOP
        IF root IS NOT NULL AND dot IS NULL THEN
            RAISE EXCEPTION 'the condition % uses a variable, $%, and there are none', condition, word
                USING ERRCODE = 'invalid_parameter_value', HINT = 'It looks at $.output, $.input and $.stream.';
        ELSIF root IS NOT NULL AND word NOT IN ('output', 'input', 'stream') THEN
            RAISE EXCEPTION 'the condition % looks at $.%, which is not there', condition, word
                USING ERRCODE = 'invalid_parameter_value', HINT = 'It looks at $.output, $.input and $.stream.';
        END IF;
    END LOOP;
    RETURN true;
END
$$;
COMMENT ON FUNCTION condition_is_usable(jsonpath) IS
    'True, or an error that says what is wrong with the condition of an assignment.';

ALTER TABLE stream_agent_assignments
    ADD COLUMN condition jsonpath CONSTRAINT stream_agent_assignments_condition_is_usable
        CHECK (condition_is_usable(condition)),
    ADD COLUMN on_failure text NOT NULL DEFAULT 'skip' CONSTRAINT stream_agent_assignments_on_failure_is_skip_run_or_fail
        CHECK (on_failure IN ('skip', 'run', 'fail')),
    ADD COLUMN requires_approval boolean NOT NULL DEFAULT false,
    ADD COLUMN approval_timeout interval CONSTRAINT stream_agent_assignments_approval_timeout_is_positive
        CHECK (approval_timeout > interval '0'),
    ADD COLUMN max_parallel integer CONSTRAINT stream_agent_assignments_max_parallel_is_at_least_1
        CHECK (max_parallel >= 1);
COMMENT ON COLUMN stream_agent_assignments.condition IS
    'The agent runs if this path gives anything but false or null in {output, input, stream}; else it is skipped.';
COMMENT ON COLUMN stream_agent_assignments.on_failure IS
    'When something that it depends on did not complete: skip it, run it all the same, or let it fail as well.';
COMMENT ON COLUMN stream_agent_assignments.max_parallel IS
    'At most so many agents of a run at once; the smallest number among its agents counts.';

ALTER TABLE stream_runs
    ADD COLUMN strategy text NOT NULL DEFAULT 'event' CONSTRAINT stream_runs_strategy_is_event_level_or_sequential
        CHECK (strategy IN ('event', 'level', 'sequential')),
    ADD COLUMN max_parallel integer CONSTRAINT stream_runs_max_parallel_is_at_least_1 CHECK (max_parallel >= 1),
    ADD COLUMN rerun_of uuid;
COMMENT ON COLUMN stream_runs.rerun_of IS 'The run that this one does again, from some agent on.';

ALTER TABLE stream_run_nodes
    DROP CONSTRAINT stream_run_nodes_status_check,
    ADD CONSTRAINT stream_run_nodes_status_is_known CHECK (status IN (
        'waiting', 'awaiting_approval', 'ready', 'queued', 'completed', 'failed', 'skipped', 'cancelled')),
    ADD COLUMN condition jsonpath,
    ADD COLUMN on_failure text NOT NULL DEFAULT 'skip',
    ADD COLUMN requires_approval boolean NOT NULL DEFAULT false,
    ADD COLUMN approval_timeout interval,
    ADD COLUMN approve_by timestamptz,
    ADD COLUMN reason text;
COMMENT ON COLUMN stream_run_nodes.reason IS 'Why it ended without a task, where no failure above says it.';
CREATE INDEX stream_run_nodes_approvals ON stream_run_nodes (approve_by) WHERE status = 'awaiting_approval';
CREATE INDEX ai_agents_parent ON ai_agents (parent_id) WHERE parent_id IS NOT NULL;

-- What an agent of a graph made is what the next one gets: an output may be larger than an input from outside.
ALTER TABLE agent_tasks
    DROP CONSTRAINT agent_tasks_payload_is_at_most_1_mib,
    ADD CONSTRAINT agent_tasks_payload_is_at_most_1_mib
        CHECK (pg_column_size(payload) <= 1048576 OR run_id IS NOT NULL) NOT VALID;

DROP FUNCTION stream_graph(uuid);
-- The agents of a stream as a graph, one row an agent even where it is assigned twice.
CREATE FUNCTION stream_graph(p_stream uuid)
RETURNS TABLE (agent_id uuid, depends_on uuid[], execution_order integer, auto_execute boolean, condition jsonpath,
               on_failure text, requires_approval boolean, approval_timeout interval, max_parallel integer)
LANGUAGE sql STABLE ROWS 10 SET search_path FROM CURRENT AS
$$
    SELECT a.agent_id,
           coalesce(array_agg(DISTINCT d.id) FILTER (WHERE d.id IS NOT NULL), '{}'),
           min(a.execution_order)::integer, bool_or(coalesce(a.auto_execute, true)),
           (array_agg(a.condition ORDER BY a.id) FILTER (WHERE a.condition IS NOT NULL))[1],
           (array_agg(a.on_failure ORDER BY a.id))[1], bool_or(a.requires_approval),
           min(a.approval_timeout), min(a.max_parallel)
    FROM stream_agent_assignments a
    LEFT JOIN LATERAL unnest(a.depends_on_agent_ids) AS d (id) ON true
    WHERE a.stream_id = p_stream AND coalesce(a.is_active, true) AND a.agent_id IS NOT NULL
    GROUP BY a.agent_id
$$;

-- Where each agent stands in a graph of pairs (who waits, for whom). `level`: how many are before it on the
-- longest way down to it. `place`: one after the other, whoever comes first in p_agents first, but nobody
-- before those it waits for. Both are NULL for who can never start. Each edge is walked once.
CREATE FUNCTION graph_order(p_agents uuid[], p_waiting uuid[], p_needed uuid[])
RETURNS TABLE (agent_id uuid, level integer, place integer)
LANGUAGE plpgsql IMMUTABLE AS
$$
DECLARE
    size integer := cardinality(p_agents);
    below integer[];   -- who waits, ordered by whom they wait for
    edges integer[];   -- how many edges belong to the agents before this one
    unmet integer[];
    levels integer[] := array_fill(0, ARRAY[size]);
    places integer[] := array_fill(NULL::integer, ARRAY[size]);
    placed integer := 0;
    candidate integer := 1;
    here integer;
    there integer;
BEGIN
    WITH agent AS MATERIALIZED (
        SELECT a.id, a.n::integer FROM unnest(p_agents) WITH ORDINALITY AS a (id, n)
    ), edge AS MATERIALIZED (
        SELECT w.n AS waiting, d.n AS needed
        FROM (SELECT DISTINCT g.w, g.d FROM unnest(p_waiting, p_needed) AS g (w, d)) e
        JOIN agent w ON w.id = e.w JOIN agent d ON d.id = e.d
    ), counted AS (
        SELECT a.n, coalesce(w.n, 0) AS unmet, sum(coalesce(d.n, 0)) OVER (ORDER BY a.n) AS edges
        FROM agent a
        LEFT JOIN (SELECT waiting, count(*) AS n FROM edge GROUP BY waiting) w ON w.waiting = a.n
        LEFT JOIN (SELECT needed, count(*) AS n FROM edge GROUP BY needed) d ON d.needed = a.n
    )
    SELECT (SELECT array_agg(e.waiting ORDER BY e.needed) FROM edge e), 0 || array_agg(c.edges::integer ORDER BY c.n),
           array_agg(c.unmet::integer ORDER BY c.n)
    INTO below, edges, unmet FROM counted c;
    LOOP
        WHILE candidate <= size AND (places[candidate] IS NOT NULL OR unmet[candidate] > 0) LOOP
            candidate := candidate + 1;
        END LOOP;
        EXIT WHEN candidate > size;
        here := candidate;
        places[here] := placed;
        placed := placed + 1;
        FOR edge IN edges[here] + 1 .. edges[here + 1] LOOP
            there := below[edge];
            unmet[there] := unmet[there] - 1;
            levels[there] := greatest(levels[there], levels[here] + 1);
            IF unmet[there] = 0 THEN
                candidate := least(candidate, there);
            END IF;
        END LOOP;
    END LOOP;
    RETURN QUERY SELECT p_agents[n], CASE WHEN places[n] IS NOT NULL THEN levels[n] END, places[n]
                 FROM generate_series(1, size) n;
END
$$;

-- One cycle of a graph, the first agent again at the end; NULL if there is none.
CREATE FUNCTION graph_cycle(p_agents uuid[], p_waiting uuid[], p_needed uuid[]) RETURNS uuid[]
LANGUAGE plpgsql IMMUTABLE SET search_path FROM CURRENT AS
$$
DECLARE
    stuck uuid[] := ARRAY(SELECT o.agent_id FROM graph_order(p_agents, p_waiting, p_needed) o
                          WHERE o.place IS NULL ORDER BY o.agent_id);
    waiting uuid[];
    needed uuid[];
    path uuid[];
    here uuid := stuck[1];
BEGIN
    IF here IS NULL THEN
        RETURN NULL;
    END IF;
    -- All of these wait for one of these: following it must come round.
    SELECT array_agg(e.w), array_agg(e.d) INTO waiting, needed
    FROM (SELECT g.w, min(g.d::text)::uuid AS d FROM unnest(p_waiting, p_needed) AS g (w, d)
          WHERE g.w = ANY (stuck) AND g.d = ANY (stuck) GROUP BY g.w) e;
    WHILE array_position(path, here) IS NULL LOOP
        path := here || path;
        here := needed[array_position(waiting, here)];
    END LOOP;
    RETURN here || path[1:array_position(path, here)];
END
$$;

CREATE OR REPLACE FUNCTION stream_cycle(p_stream uuid, p_members uuid[] DEFAULT NULL) RETURNS uuid[]
LANGUAGE sql STABLE SET search_path FROM CURRENT AS
$$
    WITH member AS MATERIALIZED (
        SELECT g.agent_id, g.depends_on FROM stream_graph(p_stream) g
        WHERE p_members IS NULL OR g.agent_id = ANY (p_members)
    ), edge AS (
        SELECT m.agent_id, d AS needed FROM member m CROSS JOIN LATERAL unnest(m.depends_on) d
    )
    SELECT graph_cycle((SELECT coalesce(array_agg(agent_id), '{}') FROM member),
                       (SELECT array_agg(agent_id) FROM edge), (SELECT array_agg(needed) FROM edge))
$$;

-- Gives the nodes of a new run their levels, by its strategy, and their dependents. Refuses a cycle.
CREATE FUNCTION arrange_run_nodes(p_run uuid) RETURNS void
LANGUAGE plpgsql SET search_path FROM CURRENT AS
$$
DECLARE
    chosen text := (SELECT strategy FROM stream_runs WHERE id = p_run);
    agents uuid[] := ARRAY(SELECT agent_id FROM stream_run_nodes WHERE run_id = p_run
                           ORDER BY execution_order NULLS LAST, agent_id);
    waiting uuid[];
    needed uuid[];
BEGIN
    SELECT array_agg(n.agent_id), array_agg(d) INTO waiting, needed
    FROM stream_run_nodes n CROSS JOIN LATERAL unnest(n.depends_on) d WHERE n.run_id = p_run;
    UPDATE stream_run_nodes n SET
        level = CASE chosen WHEN 'sequential' THEN o.place ELSE o.level END, dependents = coalesce(b.agents, '{}')
    FROM graph_order(agents, waiting, needed) o
    LEFT JOIN (SELECT e.d, array_agg(e.w) AS agents FROM unnest(waiting, needed) AS e (w, d) GROUP BY e.d) b
        ON b.d = o.agent_id
    WHERE n.run_id = p_run AND n.agent_id = o.agent_id AND o.place IS NOT NULL;
    IF EXISTS (SELECT FROM graph_order(agents, waiting, needed) o WHERE o.place IS NULL) THEN
        RAISE EXCEPTION 'the agents wait for each other: %', (
            SELECT string_agg(coalesce(a.name, c.id::text), ' -> ' ORDER BY c.place)
            FROM unnest(graph_cycle(agents, waiting, needed)) WITH ORDINALITY AS c (id, place)
            LEFT JOIN ai_agents a ON a.id = c.id)
            USING HINT = 'Remove one of these dependencies.', ERRCODE = 'invalid_recursion';
    END IF;
END
$$;

DROP FUNCTION open_stream_run(uuid, uuid, uuid, jsonb, integer, text, boolean);
-- Opens a run of `p_root` and all that is downstream of it, or of the whole stream (p_root NULL). The root's
-- task exists already (p_task): whoever made it has approved of it, and its condition is not asked.
CREATE FUNCTION open_stream_run(
    p_stream uuid, p_root uuid, p_task uuid, p_payload jsonb, p_priority integer, p_requested_by text,
    p_chain boolean DEFAULT true, p_strategy text DEFAULT 'event', p_max_parallel integer DEFAULT NULL
) RETURNS uuid
LANGUAGE plpgsql SET search_path FROM CURRENT AS
$$
DECLARE
    run uuid := oppspot_uuid();
    size integer;
BEGIN
    WITH RECURSIVE graph AS MATERIALIZED (
        SELECT * FROM stream_graph(p_stream)
    ), edge AS MATERIALIZED (
        SELECT g.agent_id, d AS needed FROM graph g CROSS JOIN LATERAL unnest(g.depends_on) d
        WHERE g.auto_execute AND p_chain
    ), reached (agent_id) AS (
        SELECT g.agent_id FROM graph g WHERE p_root IS NULL AND g.auto_execute
        UNION SELECT p_root WHERE p_root IS NOT NULL
        UNION SELECT e.agent_id FROM reached r JOIN edge e ON e.needed = r.agent_id
    ), member AS MATERIALIZED (
        SELECT r.agent_id, coalesce(g.depends_on, '{}') AS depends_on, g.execution_order, g.condition,
               coalesce(g.on_failure, 'skip') AS on_failure, coalesce(g.requires_approval, false) AS requires_approval,
               g.approval_timeout, g.max_parallel, r.agent_id = p_root AND p_task IS NOT NULL AS begun
        FROM reached r LEFT JOIN graph g USING (agent_id)
    ), opened AS (
        INSERT INTO stream_runs (id, stream_id, org_id, root_agent_id, payload, priority, requested_by, strategy,
                                 max_parallel, open_nodes)
        SELECT run, s.id, s.org_id, p_root, p_payload, p_priority, p_requested_by, p_strategy,
               least(p_max_parallel, (SELECT min(max_parallel) FROM member)), (SELECT count(*) FROM member)
        FROM streams s WHERE s.id = p_stream AND EXISTS (SELECT FROM member)
    )
    INSERT INTO stream_run_nodes (run_id, agent_id, level, execution_order, depends_on, open_dependencies, status, task_id,
                                  condition, on_failure, requires_approval, approval_timeout)
    SELECT run, m.agent_id, 0, m.execution_order, n.needs,
           CASE WHEN m.begun THEN 0 ELSE greatest(cardinality(n.needs), 1) END,
           CASE WHEN m.begun THEN 'queued' ELSE 'waiting' END, CASE WHEN m.begun THEN p_task END,
           m.condition, m.on_failure, m.requires_approval, m.approval_timeout
    FROM member m CROSS JOIN LATERAL (
        SELECT ARRAY(SELECT d FROM unnest(m.depends_on) d WHERE d IN (SELECT agent_id FROM member)) AS needs) n;
    GET DIAGNOSTICS size = ROW_COUNT;
    IF size = 0 THEN
        RAISE EXCEPTION 'stream % has no agents that run by themselves', p_stream
            USING HINT = 'Assign agents with `oppspot-runner streams assign`.', ERRCODE = 'no_data_found';
    END IF;
    PERFORM arrange_run_nodes(run);
    IF p_task IS NULL THEN
        PERFORM start_first_nodes(run);
    END IF;
    RETURN run;
END
$$;

-- Opens a run of an agent and all active agents below it by parent_id.
CREATE FUNCTION open_graph_run(
    p_root uuid, p_payload jsonb, p_strategy text, p_max_parallel integer, p_priority integer, p_requested_by text
) RETURNS uuid
LANGUAGE plpgsql SET search_path FROM CURRENT AS
$$
DECLARE
    run uuid := oppspot_uuid();
    root ai_agents;
BEGIN
    SELECT * INTO root FROM ai_agents a WHERE a.id = p_root;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'there is no agent %', coalesce(p_root::text, 'NULL')
            USING ERRCODE = 'no_data_found', HINT = 'See `oppspot-runner agents list`.';
    ELSIF root.is_active IS FALSE THEN
        RAISE EXCEPTION 'the agent % is inactive', coalesce(root.name, root.id::text)
            USING ERRCODE = 'object_not_in_prerequisite_state',
                  HINT = format('Run `oppspot-runner agents update %s --active`.', root.id);
    END IF;
    WITH RECURSIVE member AS (
        SELECT root.id, root.parent_id
        UNION SELECT a.id, a.parent_id FROM member m JOIN ai_agents a ON a.parent_id = m.id WHERE a.is_active IS NOT FALSE
    ), opened AS (
        INSERT INTO stream_runs (id, org_id, root_agent_id, payload, priority, requested_by, strategy, max_parallel, open_nodes)
        SELECT run, root.org_id, root.id, p_payload, p_priority, p_requested_by, p_strategy, p_max_parallel,
               (SELECT count(*) FROM member)
    )
    INSERT INTO stream_run_nodes (run_id, agent_id, level, depends_on, open_dependencies, status)
    SELECT run, m.id, 0, CASE WHEN m.parent_id IN (SELECT id FROM member) THEN ARRAY[m.parent_id] ELSE '{}' END, 1, 'waiting'
    FROM member m;
    PERFORM arrange_run_nodes(run);
    PERFORM start_first_nodes(run);
    RETURN run;
END
$$;

-- Inserts the tasks of nodes that became `queued`; their ids are on the nodes. In a graph by parent_id a
-- child's input is what its parent made.
CREATE OR REPLACE FUNCTION start_run_tasks(p_runs uuid[], p_agents uuid[]) RETURNS integer
LANGUAGE sql SET search_path FROM CURRENT AS
$$
    WITH started AS (
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
        ORDER BY n.run_id, n.execution_order NULLS LAST, n.agent_id
        RETURNING 1
    )
    SELECT count(*)::integer FROM started
$$;

-- Why the condition of a node keeps it from running; NULL: it does not. It sees what the run was given, the
-- stream, and the output of what the node depended on; of several, all outputs as a list. A path looks into
-- the elements of a list by itself, so that it means: in any of these.
CREATE FUNCTION condition_fault(p_run uuid, p_agent uuid) RETURNS text
LANGUAGE plpgsql STABLE SET search_path FROM CURRENT AS
$$
DECLARE
    asked jsonpath;
    seen jsonb;
BEGIN
    SELECT n.condition, jsonb_build_object(
        'input', r.payload,
        'stream', (SELECT jsonb_build_object('id', s.id, 'name', s.name, 'goal_criteria', s.goal_criteria,
                                             'target_metrics', s.target_metrics, 'progress', s.progress)
                   FROM streams s WHERE s.id = r.stream_id),
        'output', CASE WHEN cardinality(n.depends_on) = 1 THEN o.outputs -> 0 ELSE o.outputs END)
    INTO asked, seen
    FROM stream_run_nodes n JOIN stream_runs r ON r.id = n.run_id CROSS JOIN LATERAL (
        SELECT jsonb_agg(e.output_data ORDER BY d.level, d.execution_order NULLS LAST, d.agent_id) AS outputs
        FROM stream_run_nodes d JOIN agent_executions e ON e.id = d.execution_id
        WHERE d.run_id = n.run_id AND d.agent_id = ANY (n.depends_on) AND d.status = 'completed') o
    WHERE n.run_id = p_run AND n.agent_id = p_agent;
    IF EXISTS (SELECT FROM jsonb_path_query_tz(seen, asked, silent => true) v WHERE v NOT IN ('false', 'null')) THEN
        RETURN NULL;
    END IF;
    RETURN format('its condition does not hold: %s', asked);
EXCEPTION WHEN OTHERS THEN
    -- Whatever is in the data: it must not undo the end of the agent that made it.
    RETURN format('its condition %s cannot be computed: %s', asked, SQLERRM);
END
$$;

-- The nodes that the ends of some may change, these included. Those below one that completes are only
-- counted down, except where a condition may skip one; those below all others may be skipped in turn.
CREATE FUNCTION run_nodes_touched(p_runs uuid[], p_agents uuid[], p_states text[])
RETURNS TABLE (run_id uuid, agent_id uuid)
LANGUAGE sql STABLE ROWS 10 SET search_path FROM CURRENT AS
$$
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
    SELECT DISTINCT t.run_id, t.agent_id FROM touched t
$$;

-- Locks all that the ends of some nodes may change.
CREATE FUNCTION lock_run_nodes(p_runs uuid[], p_agents uuid[], p_states text[]) RETURNS void
LANGUAGE plpgsql SET search_path FROM CURRENT AS
$$
BEGIN
    PERFORM FROM stream_runs WHERE id = ANY (p_runs) AND (strategy <> 'event' OR max_parallel IS NOT NULL)
    ORDER BY id FOR NO KEY UPDATE;
    PERFORM FROM stream_run_nodes n
    JOIN run_nodes_touched(p_runs, p_agents, p_states) t ON t.run_id = n.run_id AND t.agent_id = n.agent_id
    ORDER BY n.run_id, n.agent_id FOR NO KEY UPDATE OF n;
END
$$;

-- The end of nodes' tasks, and what follows from it. Returns the number of tasks started.
CREATE OR REPLACE FUNCTION settle_run_nodes(p_runs uuid[], p_agents uuid[], p_states text[], p_executions uuid[])
RETURNS integer
LANGUAGE plpgsql SET search_path FROM CURRENT AS
$$
DECLARE
    runs uuid[];
    agents uuid[];
BEGIN
    PERFORM lock_run_nodes(p_runs, p_agents, p_states);
    WITH ended AS (
        UPDATE stream_run_nodes n SET status = g.s, execution_id = coalesce(g.e, n.execution_id), finished_at = oppspot_now()
        FROM unnest(p_runs, p_agents, p_states, p_executions) g (r, a, s, e)
        WHERE n.run_id = g.r AND n.agent_id = g.a AND n.status = 'queued'
        RETURNING n.run_id, n.agent_id
    )
    SELECT array_agg(run_id), array_agg(agent_id) INTO runs, agents FROM ended;
    RETURN advance_run_nodes(runs, agents);
END
$$;

-- What follows from nodes that have just ended, all locked: those that wait for them are counted down, and
-- decided about when it is time; those that this ends count in turn. With p_first the nodes given have not
-- ended, but are the first of a run, which wait for its beginning.
CREATE FUNCTION advance_run_nodes(p_runs uuid[], p_agents uuid[], p_first boolean DEFAULT false) RETURNS integer
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
            FROM below b JOIN stream_run_nodes n ON n.run_id = b.run_id AND n.agent_id = b.agent_id
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

-- Starts the nodes whose run, which is locked, has room for them by its strategy and its max_parallel.
CREATE FUNCTION admit_run_nodes(p_runs uuid[]) RETURNS integer
LANGUAGE plpgsql SET search_path FROM CURRENT AS
$$
DECLARE
    admitted uuid[];
BEGIN
    WITH admitted AS (
        UPDATE stream_run_nodes n SET status = 'queued', task_id = oppspot_uuid()
        FROM stream_runs r CROSS JOIN LATERAL (
            SELECT min(o.level) AS level, count(*) FILTER (WHERE o.status = 'queued') AS running
            FROM stream_run_nodes o WHERE o.run_id = r.id AND o.finished_at IS NULL) s
        CROSS JOIN LATERAL (
            SELECT x.agent_id FROM stream_run_nodes x
            WHERE x.run_id = r.id AND x.status = 'ready' AND (r.strategy = 'event' OR x.level = s.level)
            ORDER BY x.level, x.execution_order NULLS LAST, x.agent_id
            LIMIT CASE WHEN r.max_parallel IS NOT NULL THEN greatest(r.max_parallel - s.running, 0) END) a
        WHERE r.id = ANY (p_runs) AND n.run_id = r.id AND n.agent_id = a.agent_id
        RETURNING n.agent_id
    )
    SELECT array_agg(agent_id) INTO admitted FROM admitted;
    RETURN CASE WHEN admitted IS NULL THEN 0 ELSE start_run_tasks(p_runs, admitted) END;
END
$$;

-- Takes ended nodes off their runs, named once for each; a run without open nodes ends.
CREATE FUNCTION close_run_nodes(p_runs uuid[]) RETURNS void
LANGUAGE plpgsql SET search_path FROM CURRENT AS
$$
BEGIN
    PERFORM FROM stream_runs WHERE id = ANY (p_runs) ORDER BY id FOR NO KEY UPDATE;
    UPDATE stream_runs r SET
        open_nodes = r.open_nodes - e.times,
        status = CASE WHEN r.open_nodes > e.times THEN 'running' ELSE (
            SELECT CASE WHEN bool_or(n.status = 'failed') THEN 'failed'
                        WHEN bool_or(n.status = 'cancelled') THEN 'cancelled' ELSE 'completed' END
            FROM stream_run_nodes n WHERE n.run_id = r.id) END,
        finished_at = CASE WHEN r.open_nodes = e.times THEN oppspot_now() END
    FROM (SELECT id, count(*)::integer AS times FROM unnest(p_runs) AS g (id) GROUP BY id) e
    WHERE r.id = e.id;
END
$$;

CREATE FUNCTION start_first_nodes(p_run uuid) RETURNS integer
LANGUAGE plpgsql SET search_path FROM CURRENT AS
$$
DECLARE
    agents uuid[] := ARRAY(SELECT n.agent_id FROM stream_run_nodes n
        WHERE n.run_id = p_run AND n.status = 'waiting' AND NOT EXISTS (
            SELECT FROM stream_run_nodes d
            WHERE d.run_id = p_run AND d.agent_id = ANY (n.depends_on) AND d.finished_at IS NULL));
BEGIN
    RETURN advance_run_nodes(array_fill(p_run, ARRAY[cardinality(agents)]), agents, true);
END
$$;

-- Brings `open_nodes` and `status` of locked runs in line with their nodes.
CREATE OR REPLACE FUNCTION recount_runs(p_runs uuid[]) RETURNS void
LANGUAGE sql SET search_path FROM CURRENT AS
$$
    UPDATE stream_runs r SET
        open_nodes = c.open,
        status = CASE WHEN c.open > 0 THEN 'running' WHEN c.failed > 0 THEN 'failed'
                      WHEN c.cancelled > 0 THEN 'cancelled' ELSE 'completed' END,
        finished_at = CASE WHEN c.open = 0 THEN oppspot_now() END
    FROM (SELECT run_id, count(*) FILTER (WHERE finished_at IS NULL)::integer AS open,
                 count(*) FILTER (WHERE status = 'failed') AS failed,
                 count(*) FILTER (WHERE status = 'cancelled') AS cancelled
          FROM stream_run_nodes WHERE run_id = ANY (p_runs) GROUP BY run_id) c
    WHERE r.id = c.run_id AND (r.open_nodes, r.status = 'running') IS DISTINCT FROM (c.open, c.open > 0)
$$;

-- A node whose task somebody starts again: it is open again, and what below it has had no task yet waits for
-- it again, unless something else above that did not complete.
CREATE OR REPLACE FUNCTION reopen_run_node(p_run uuid, p_agent uuid) RETURNS void
LANGUAGE plpgsql SET search_path FROM CURRENT AS
$$
DECLARE
    opened uuid[];
    more uuid[] := ARRAY[p_agent];
BEGIN
    PERFORM FROM stream_runs WHERE id = p_run AND (strategy <> 'event' OR max_parallel IS NOT NULL) FOR NO KEY UPDATE;
    PERFORM FROM stream_run_nodes n JOIN run_nodes_below(ARRAY[p_run], ARRAY[p_agent]) b USING (run_id, agent_id)
    ORDER BY n.run_id, n.agent_id FOR NO KEY UPDATE OF n;
    UPDATE stream_run_nodes SET status = 'queued', finished_at = NULL
    WHERE run_id = p_run AND agent_id = p_agent AND status IN ('failed', 'cancelled');
    IF NOT FOUND THEN
        RETURN;
    END IF;
    WHILE cardinality(more) > 0 LOOP
        opened := opened || more;
        WITH again AS (
            UPDATE stream_run_nodes n SET status = 'waiting', finished_at = NULL, reason = NULL, approve_by = NULL,
                open_dependencies = d.open
            FROM stream_run_nodes o CROSS JOIN LATERAL (
                SELECT count(*) FILTER (WHERE x.finished_at IS NULL)::integer AS open,
                       bool_or(x.status IN ('failed', 'cancelled', 'skipped')) AS broken
                FROM stream_run_nodes x WHERE x.run_id = o.run_id AND x.agent_id = ANY (o.depends_on)) d
            WHERE o.run_id = p_run AND o.depends_on && more AND o.task_id IS NULL
              AND (o.on_failure = 'run' OR NOT d.broken)
              AND n.run_id = o.run_id AND n.agent_id = o.agent_id
            RETURNING n.agent_id
        )
        SELECT array_agg(agent_id) FILTER (WHERE agent_id <> ALL (opened)) INTO more FROM again;
    END LOOP;
    PERFORM FROM stream_runs WHERE id = p_run FOR NO KEY UPDATE;
    PERFORM recount_runs(ARRAY[p_run]);
END
$$;

DROP FUNCTION run_stream(uuid, jsonb, integer, text);
CREATE FUNCTION run_stream(
    id uuid, payload jsonb DEFAULT '{}', priority integer DEFAULT 5, requested_by text DEFAULT NULL,
    strategy text DEFAULT 'event', max_parallel integer DEFAULT NULL
) RETURNS uuid
LANGUAGE plpgsql SET search_path FROM CURRENT AS
$$
BEGIN
    PERFORM FROM streams s WHERE s.id = run_stream.id;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'there is no stream %', coalesce(run_stream.id::text, 'NULL')
            USING ERRCODE = 'no_data_found', HINT = 'See `oppspot-runner streams list`.';
    END IF;
    RETURN open_stream_run(id, NULL, NULL, coalesce(payload, '{}'), coalesce(priority, 5), requested_by,
                           true, coalesce(strategy, 'event'), max_parallel);
END
$$;
COMMENT ON FUNCTION run_stream(uuid, jsonb, integer, text, text, integer) IS
    'Starts all agents of a stream, each after those it depends on; returns the id of the run in stream_runs.';

CREATE FUNCTION run_graph(
    root uuid, payload jsonb DEFAULT '{}', strategy text DEFAULT 'event', max_parallel integer DEFAULT NULL,
    priority integer DEFAULT 5, requested_by text DEFAULT NULL
) RETURNS uuid
LANGUAGE sql SET search_path FROM CURRENT AS
$$
    SELECT open_graph_run(root, coalesce(payload, '{}'), coalesce(strategy, 'event'), max_parallel,
                          coalesce(priority, 5), requested_by)
$$;
COMMENT ON FUNCTION run_graph(uuid, jsonb, text, integer, integer, text) IS
    'Starts an agent, then those below it by parent_id with what their parents made; returns the id of the run.';

CREATE FUNCTION run_graph(
    root text, payload jsonb DEFAULT '{}', strategy text DEFAULT 'event', max_parallel integer DEFAULT NULL,
    priority integer DEFAULT 5, requested_by text DEFAULT NULL
) RETURNS uuid
LANGUAGE sql SET search_path FROM CURRENT AS
$$
    SELECT run_graph(find_agent(root), payload, strategy, max_parallel, priority, requested_by)
$$;
COMMENT ON FUNCTION run_graph(text, jsonb, text, integer, integer, text) IS
    'The same for an agent named by its id, its name or its agent_type.';

-- A column of stream_runs that is computed: SELECT r.results FROM stream_runs r.
CREATE FUNCTION results(run stream_runs) RETURNS jsonb
LANGUAGE sql STABLE SET search_path FROM CURRENT AS
$$
    SELECT coalesce(jsonb_object_agg(n.agent_id, e.output_data), '{}')
    FROM stream_run_nodes n JOIN agent_executions e ON e.id = n.execution_id
    WHERE n.run_id = run.id AND n.status = 'completed'
$$;
COMMENT ON FUNCTION results(stream_runs) IS
    'What the agents of a run made, by their ids: SELECT r.results FROM stream_runs r. Those that completed are in it.';

CREATE FUNCTION approve_run(id uuid, agent uuid DEFAULT NULL) RETURNS integer
LANGUAGE plpgsql SET search_path FROM CURRENT AS
$$
DECLARE
    agents uuid[];
    approved integer;
BEGIN
    PERFORM FROM stream_runs r WHERE r.id = approve_run.id;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'there is no run %', coalesce(approve_run.id::text, 'NULL')
            USING ERRCODE = 'no_data_found', HINT = 'See `oppspot-runner runs list`.';
    END IF;
    agents := ARRAY(SELECT n.agent_id FROM stream_run_nodes n
        WHERE n.run_id = approve_run.id AND n.status = 'awaiting_approval' AND (agent IS NULL OR n.agent_id = agent));
    PERFORM lock_run_nodes(array_fill(id, ARRAY[cardinality(agents)]), agents, array_fill('completed'::text, ARRAY[cardinality(agents)]));
    UPDATE stream_run_nodes n SET status = 'ready', approve_by = NULL
    WHERE n.run_id = approve_run.id AND n.agent_id = ANY (agents) AND n.status = 'awaiting_approval';
    GET DIAGNOSTICS approved = ROW_COUNT;
    PERFORM admit_run_nodes(ARRAY[id]);
    RETURN approved;
END
$$;
COMMENT ON FUNCTION approve_run(uuid, uuid) IS
    'Lets the agents of a run start that wait for an approval, or one of them; returns how many there were.';

-- Approvals that did not come in time. Bounded, and harmless when several do it at once.
CREATE FUNCTION expire_approvals() RETURNS integer
LANGUAGE plpgsql SET search_path FROM CURRENT AS
$$
DECLARE
    runs uuid[];
    agents uuid[];
BEGIN
    SELECT array_agg(w.run_id), array_agg(w.agent_id) INTO runs, agents
    FROM (SELECT n.run_id, n.agent_id FROM stream_run_nodes n
          WHERE n.status = 'awaiting_approval' AND n.approve_by <= oppspot_now() ORDER BY n.approve_by LIMIT 100) w;
    IF runs IS NULL THEN
        RETURN 0;
    END IF;
    PERFORM lock_run_nodes(runs, agents, array_fill('failed'::text, ARRAY[cardinality(runs)]));
    WITH expired AS (
        UPDATE stream_run_nodes n SET status = 'failed', finished_at = oppspot_now(), approve_by = NULL,
            reason = format('nobody approved it within %s', n.approval_timeout)
        FROM unnest(runs, agents) AS g (r, a)
        WHERE n.run_id = g.r AND n.agent_id = g.a AND n.status = 'awaiting_approval' AND n.approve_by <= oppspot_now()
        RETURNING n.run_id, n.agent_id
    )
    SELECT array_agg(run_id), array_agg(agent_id) INTO runs, agents FROM expired;
    RETURN advance_run_nodes(runs, agents);
END
$$;

CREATE FUNCTION cancel_run(id uuid, reason text DEFAULT NULL, agent uuid DEFAULT NULL)
RETURNS TABLE (task_id uuid, was text)
LANGUAGE plpgsql SET search_path FROM CURRENT AS
$$
DECLARE
    why text := coalesce(nullif(cancel_run.reason, ''), 'cancelled on request');
    members uuid[] := CASE WHEN agent IS NULL
        THEN ARRAY(SELECT n.agent_id FROM stream_run_nodes n WHERE n.run_id = cancel_run.id)
        ELSE ARRAY(SELECT b.agent_id FROM run_nodes_below(ARRAY[id], ARRAY[agent]) b) END;
    tasks uuid[];
    runs uuid[];
    agents uuid[];
BEGIN
    PERFORM FROM stream_runs r WHERE r.id = cancel_run.id;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'there is no run %', coalesce(cancel_run.id::text, 'NULL')
            USING ERRCODE = 'no_data_found', HINT = 'See `oppspot-runner runs list`.';
    END IF;
    tasks := ARRAY(SELECT t.id FROM agent_tasks t
        WHERE t.run_id = cancel_run.id AND t.status IN ('pending', 'processing') AND t.cancel_requested_at IS NULL
          AND (agent IS NULL OR t.agent_id = ANY (members))
        ORDER BY t.id FOR NO KEY UPDATE);
    PERFORM FROM stream_runs r WHERE r.id = cancel_run.id AND (r.strategy <> 'event' OR r.max_parallel IS NOT NULL)
    FOR NO KEY UPDATE;
    PERFORM FROM stream_run_nodes n WHERE n.run_id = cancel_run.id AND n.agent_id = ANY (members)
    ORDER BY n.agent_id FOR NO KEY UPDATE;
    -- First those that have not begun: nothing is started then by the ends of those that have.
    WITH ended AS (
        UPDATE stream_run_nodes n SET status = 'cancelled', finished_at = oppspot_now(), reason = why, approve_by = NULL
        WHERE n.run_id = cancel_run.id AND n.agent_id = ANY (members)
          AND n.status IN ('waiting', 'awaiting_approval', 'ready')
        RETURNING n.run_id, n.agent_id
    )
    SELECT array_agg(e.run_id), array_agg(e.agent_id) INTO runs, agents FROM ended e;
    PERFORM advance_run_nodes(runs, agents);
    FOR task_id, was IN SELECT t.id, t.status FROM agent_tasks t WHERE t.id = ANY (tasks) ORDER BY t.id LOOP
        PERFORM cancel_task(task_id, why);
        RETURN NEXT;
    END LOOP;
END
$$;
COMMENT ON FUNCTION cancel_run(uuid, text, uuid) IS
    'Cancels what waits of a run, or of an agent and all below it, and asks the runners of what runs; those tasks.';

CREATE FUNCTION rerun_run(id uuid, from_agent uuid DEFAULT NULL, requested_by text DEFAULT NULL) RETURNS uuid
LANGUAGE plpgsql SET search_path FROM CURRENT AS
$$
DECLARE
    old stream_runs;
    broken uuid[];
    again uuid[];
    made uuid := oppspot_uuid();
BEGIN
    SELECT r.* INTO old FROM stream_runs r WHERE r.id = rerun_run.id;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'there is no run %', coalesce(rerun_run.id::text, 'NULL')
            USING ERRCODE = 'no_data_found', HINT = 'See `oppspot-runner runs list`.';
    ELSIF old.status = 'running' THEN
        RAISE EXCEPTION 'run % is still on', old.id USING ERRCODE = 'object_not_in_prerequisite_state',
            HINT = format('Wait for its end, or cancel it with `oppspot-runner runs cancel %s`.', old.id);
    END IF;
    PERFORM FROM stream_run_nodes n WHERE n.run_id = old.id AND n.agent_id = from_agent;
    IF NOT FOUND AND from_agent IS NOT NULL THEN
        RAISE EXCEPTION 'the agent % is not in run %', from_agent, old.id
            USING ERRCODE = 'no_data_found', HINT = format('See `oppspot-runner runs show %s`.', old.id);
    END IF;
    -- What did not complete, or whose output is gone, is of no use to those below it either.
    broken := ARRAY(SELECT n.agent_id FROM stream_run_nodes n WHERE n.run_id = old.id
        AND (from_agent IS NULL OR n.agent_id = from_agent OR n.status <> 'completed' OR (n.execution_id IS NOT NULL
             AND NOT EXISTS (SELECT FROM agent_executions e WHERE e.id = n.execution_id))));
    again := ARRAY(SELECT b.agent_id FROM run_nodes_below(array_fill(old.id, ARRAY[cardinality(broken)]), broken) b);
    WITH opened AS (
        INSERT INTO stream_runs (id, stream_id, org_id, root_agent_id, payload, priority, requested_by, strategy,
                                 max_parallel, rerun_of, open_nodes)
        VALUES (made, old.stream_id, old.org_id, old.root_agent_id, old.payload, old.priority, rerun_run.requested_by,
                old.strategy, old.max_parallel, old.id, cardinality(again))
    )
    INSERT INTO stream_run_nodes (run_id, agent_id, level, execution_order, depends_on, dependents, condition, on_failure,
        requires_approval, approval_timeout, open_dependencies, status, task_id, execution_id, finished_at)
    SELECT made, n.agent_id, n.level, n.execution_order, n.depends_on, n.dependents, n.condition, n.on_failure,
           n.requires_approval, n.approval_timeout, CASE WHEN s.again THEN greatest(s.unmet, 1) ELSE 0 END,
           CASE WHEN s.again THEN 'waiting' ELSE n.status END, CASE WHEN NOT s.again THEN n.task_id END,
           CASE WHEN NOT s.again THEN n.execution_id END, CASE WHEN NOT s.again THEN n.finished_at END
    FROM stream_run_nodes n CROSS JOIN LATERAL (
        SELECT n.agent_id = ANY (again) AS again,
               (SELECT count(*)::integer FROM unnest(n.depends_on) d WHERE d = ANY (again)) AS unmet) s
    WHERE n.run_id = old.id;
    PERFORM start_first_nodes(made);
    RETURN made;
END
$$;
COMMENT ON FUNCTION rerun_run(uuid, uuid, text) IS
    'Starts a run that does an ended one again, all of it or an agent and what is below it; returns its id.';

INSERT INTO oppspot_migrations (number, name, breaking, applied_at)
VALUES (16, 'graphs', false, oppspot_now());
