-- Chains: which agents of a stream run after which.
--
-- A run (stream_runs) keeps the graph that it started with as nodes. `open_dependencies` counts
-- what a node still waits for; whoever finishes a node takes one off its dependents in the same
-- transaction, and the one that reaches zero inserts the task. Two that finish at once meet on the
-- lock of the dependent's row, so nothing is lost and nothing starts twice. All rows that a finish
-- may touch are locked once, in one order, before the first is changed: two sorted passes deadlock.

SET LOCAL lock_timeout = '30s';

CREATE TABLE stream_runs (
    id uuid PRIMARY KEY DEFAULT oppspot_uuid(),
    stream_id uuid REFERENCES streams (id) ON DELETE CASCADE,
    org_id uuid REFERENCES organizations (id),
    root_agent_id uuid REFERENCES ai_agents (id),
    status text NOT NULL DEFAULT 'running'
        CHECK (status IN ('running', 'completed', 'failed', 'cancelled')),
    payload jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(payload) = 'object'),
    priority integer NOT NULL DEFAULT 5 CHECK (priority BETWEEN 1 AND 10),
    requested_by text,
    open_nodes integer NOT NULL CHECK (open_nodes >= 0),
    created_at timestamptz NOT NULL DEFAULT oppspot_now(),
    finished_at timestamptz,
    CHECK ((status = 'running') = (open_nodes > 0)),
    CHECK ((status = 'running') = (finished_at IS NULL))
);
CREATE INDEX stream_runs_stream ON stream_runs (stream_id, created_at);

CREATE TABLE stream_run_nodes (
    run_id uuid NOT NULL REFERENCES stream_runs (id) ON DELETE CASCADE,
    agent_id uuid NOT NULL REFERENCES ai_agents (id),
    level integer NOT NULL,
    execution_order integer,
    depends_on uuid[] NOT NULL DEFAULT '{}',
    dependents uuid[] NOT NULL DEFAULT '{}',
    open_dependencies integer NOT NULL CHECK (open_dependencies >= 0),
    status text NOT NULL CHECK (
        status IN ('waiting', 'queued', 'completed', 'failed', 'skipped', 'cancelled')),
    task_id uuid,
    execution_id uuid,
    finished_at timestamptz,
    PRIMARY KEY (run_id, agent_id),
    CHECK (status <> 'queued' OR (task_id IS NOT NULL AND open_dependencies = 0)),
    CHECK (status <> 'waiting' OR open_dependencies > 0)
) WITH (fillfactor = 70);
COMMENT ON COLUMN stream_run_nodes.status IS
    'queued = its task exists (pending or processing, see agent_tasks); skipped = something it depends on did not complete.';

-- The agents of a stream as a graph, one row an agent even where it is assigned twice.
CREATE FUNCTION stream_graph(p_stream uuid)
RETURNS TABLE (agent_id uuid, depends_on uuid[], execution_order integer, auto_execute boolean)
LANGUAGE sql STABLE SET search_path FROM CURRENT AS
$$
    SELECT a.agent_id,
           coalesce(array_agg(DISTINCT d.id) FILTER (WHERE d.id IS NOT NULL), '{}'),
           min(a.execution_order)::integer, bool_or(coalesce(a.auto_execute, true))
    FROM stream_agent_assignments a
    LEFT JOIN LATERAL unnest(a.depends_on_agent_ids) AS d (id) ON true
    WHERE a.stream_id = p_stream AND coalesce(a.is_active, true) AND a.agent_id IS NOT NULL
    GROUP BY a.agent_id
$$;

-- One cycle among the given agents of a stream, the first agent again at the end; NULL if none.
CREATE FUNCTION stream_cycle(p_stream uuid, p_members uuid[] DEFAULT NULL) RETURNS uuid[]
LANGUAGE plpgsql STABLE SET search_path FROM CURRENT AS
$$
DECLARE
    members uuid[] := coalesce(p_members, ARRAY(SELECT g.agent_id FROM stream_graph(p_stream) g));
    free uuid[];
    path uuid[];
    here uuid;
BEGIN
    LOOP
        free := ARRAY(SELECT g.agent_id FROM stream_graph(p_stream) g
            WHERE g.agent_id = ANY (members) AND NOT g.depends_on && members);
        EXIT WHEN cardinality(free) = 0;
        members := ARRAY(SELECT m FROM unnest(members) m WHERE m <> ALL (free));
    END LOOP;
    SELECT min(g.agent_id::text)::uuid INTO here FROM stream_graph(p_stream) g
    WHERE g.agent_id = ANY (members);
    IF here IS NULL THEN
        RETURN NULL;
    END IF;
    -- What is left all waits for something that is left: following it must come round.
    WHILE array_position(path, here) IS NULL LOOP
        path := here || path;
        SELECT d INTO here FROM stream_graph(p_stream) g, unnest(g.depends_on) d
        WHERE g.agent_id = path[1] AND d = ANY (members) ORDER BY d LIMIT 1;
    END LOOP;
    RETURN here || path[1:array_position(path, here)];
END
$$;

-- Opens a run of `p_root` and all that is downstream of it, or of the whole stream (p_root NULL).
-- The root's task exists already (p_task); without one the tasks of all first nodes are inserted.
CREATE FUNCTION open_stream_run(
    p_stream uuid, p_root uuid, p_task uuid, p_payload jsonb, p_priority integer,
    p_requested_by text, p_chain boolean DEFAULT true
) RETURNS uuid
LANGUAGE plpgsql SET search_path FROM CURRENT AS
$$
DECLARE
    members uuid[] := CASE WHEN p_root IS NULL
        THEN ARRAY(SELECT agent_id FROM stream_graph(p_stream) WHERE auto_execute)
        ELSE ARRAY[p_root] END;
    reached uuid[] := members;
    placed uuid[] := '{}';
    cycle uuid[];
    run uuid := oppspot_uuid();
    at_level integer := 0;
BEGIN
    WHILE p_chain AND p_root IS NOT NULL AND cardinality(reached) > 0 LOOP
        reached := ARRAY(SELECT g.agent_id FROM stream_graph(p_stream) g
            WHERE g.auto_execute AND g.depends_on && reached AND g.agent_id <> ALL (members));
        members := members || reached;
    END LOOP;
    IF cardinality(members) = 0 THEN
        RAISE EXCEPTION 'stream % has no agents that run by themselves', p_stream
            USING HINT = 'Assign agents with `oppspot-runner streams assign`.', ERRCODE = 'no_data_found';
    END IF;
    cycle := stream_cycle(p_stream, members);
    IF cycle IS NOT NULL THEN
        RAISE EXCEPTION 'the agents wait for each other: %', (
            SELECT string_agg(coalesce(a.name, c.id::text), ' -> ' ORDER BY c.place)
            FROM unnest(cycle) WITH ORDINALITY AS c (id, place) LEFT JOIN ai_agents a ON a.id = c.id)
            USING HINT = 'Remove one of these dependencies.', ERRCODE = 'invalid_recursion';
    END IF;
    INSERT INTO stream_runs (id, stream_id, org_id, root_agent_id, payload, priority, requested_by, open_nodes)
    SELECT run, s.id, s.org_id, p_root, p_payload, p_priority, p_requested_by, cardinality(members)
    FROM streams s WHERE s.id = p_stream;
    INSERT INTO stream_run_nodes (run_id, agent_id, level, execution_order, depends_on, dependents,
                                  open_dependencies, status, task_id)
    SELECT run, m.id, 0, g.execution_order, n.needs,
           ARRAY(SELECT o.agent_id FROM stream_graph(p_stream) o
                 WHERE o.agent_id = ANY (members) AND m.id = ANY (o.depends_on)),
           cardinality(n.needs), CASE WHEN cardinality(n.needs) > 0 THEN 'waiting' ELSE 'queued' END,
           CASE WHEN cardinality(n.needs) > 0 THEN NULL WHEN m.id = p_root THEN p_task ELSE oppspot_uuid() END
    FROM unnest(members) AS m (id)
    LEFT JOIN stream_graph(p_stream) g ON g.agent_id = m.id
    CROSS JOIN LATERAL (SELECT ARRAY(SELECT d FROM unnest(g.depends_on) d WHERE d = ANY (members)) AS needs) n;
    LOOP
        UPDATE stream_run_nodes SET level = at_level
        WHERE run_id = run AND depends_on <@ placed AND agent_id <> ALL (placed);
        EXIT WHEN NOT FOUND;
        placed := ARRAY(SELECT agent_id FROM stream_run_nodes
                        WHERE run_id = run AND depends_on <@ placed);
        at_level := at_level + 1;
    END LOOP;
    IF p_task IS NULL THEN
        PERFORM start_run_tasks(ARRAY[run], ARRAY(
            SELECT agent_id FROM stream_run_nodes WHERE run_id = run AND status = 'queued'));
    END IF;
    RETURN run;
END
$$;

-- Inserts the tasks of nodes that became `queued`; their ids are on the nodes.
CREATE FUNCTION start_run_tasks(p_runs uuid[], p_agents uuid[]) RETURNS integer
LANGUAGE sql SET search_path FROM CURRENT AS
$$
    WITH started AS (
        INSERT INTO agent_tasks (id, agent_id, org_id, stream_id, task_type, priority, payload, requested_by, run_id)
        SELECT n.task_id, n.agent_id, r.org_id, r.stream_id,
               coalesce(nullif(a.configuration ->> 'task_type', ''), 'agent_execution'),
               r.priority, r.payload, r.requested_by, r.id
        FROM stream_run_nodes n
        JOIN stream_runs r ON r.id = n.run_id
        JOIN ai_agents a ON a.id = n.agent_id
        WHERE n.run_id = ANY (p_runs) AND n.agent_id = ANY (p_agents) AND n.status = 'queued'
          AND NOT EXISTS (SELECT FROM agent_tasks t WHERE t.id = n.task_id)
        ORDER BY n.run_id, n.execution_order NULLS LAST, n.agent_id
        RETURNING 1
    )
    SELECT count(*)::integer FROM started
$$;

-- Nodes and all that depends on them, directly or not. They are few, and the planner must know: it takes
-- 1,000 for granted, and would rather read all nodes of all runs than look up so many.
CREATE FUNCTION run_nodes_below(p_runs uuid[], p_agents uuid[]) RETURNS TABLE (run_id uuid, agent_id uuid)
LANGUAGE sql STABLE ROWS 10 SET search_path FROM CURRENT AS
$$
    WITH RECURSIVE below AS (
        SELECT r AS run_id, a AS agent_id FROM unnest(p_runs, p_agents) AS given (r, a)
        UNION
        SELECT n.run_id, d FROM below b
        JOIN stream_run_nodes n ON n.run_id = b.run_id AND n.agent_id = b.agent_id
        CROSS JOIN LATERAL unnest(n.dependents) d
    )
    SELECT run_id, agent_id FROM below
$$;

-- The end of nodes' tasks: dependents that wait for nothing more start, those of a node that did
-- not complete are skipped, a run without open nodes ends. Returns the number of tasks started.
CREATE FUNCTION settle_run_nodes(p_runs uuid[], p_agents uuid[], p_states text[], p_executions uuid[])
RETURNS integer
LANGUAGE plpgsql SET search_path FROM CURRENT AS
$$
DECLARE
    touched_runs uuid[];
    touched_agents uuid[];
    started integer := 0;
    closed uuid[];
BEGIN
    -- Completed nodes touch their dependents, the others everything below them: lock it all, once.
    PERFORM FROM stream_run_nodes n JOIN (
            SELECT b.run_id, b.agent_id FROM run_nodes_below(
                ARRAY(SELECT r FROM unnest(p_runs, p_states) g (r, s) WHERE s <> 'completed'),
                ARRAY(SELECT a FROM unnest(p_agents, p_states) g (a, s) WHERE s <> 'completed')) b
            UNION
            SELECT g.r, x FROM unnest(p_runs, p_agents) g (r, a)
            JOIN stream_run_nodes s ON s.run_id = g.r AND s.agent_id = g.a
            CROSS JOIN LATERAL unnest(s.agent_id || s.dependents) x
        ) w ON w.run_id = n.run_id AND w.agent_id = n.agent_id
    ORDER BY n.run_id, n.agent_id FOR NO KEY UPDATE OF n;

    WITH ended AS (
        UPDATE stream_run_nodes n SET status = g.s, execution_id = coalesce(g.e, n.execution_id), finished_at = oppspot_now()
        FROM unnest(p_runs, p_agents, p_states, p_executions) g (r, a, s, e)
        WHERE n.run_id = g.r AND n.agent_id = g.a AND n.status = 'queued'
        RETURNING n.run_id, n.agent_id, n.status, n.dependents
    ), freed AS (
        SELECT e.run_id, d AS agent_id, count(*)::integer AS times
        FROM ended e CROSS JOIN LATERAL unnest(e.dependents) d WHERE e.status = 'completed' GROUP BY 1, 2
    ), counted AS (
        UPDATE stream_run_nodes n SET
            open_dependencies = n.open_dependencies - f.times,
            status = CASE WHEN n.status = 'waiting' AND n.open_dependencies = f.times THEN 'queued' ELSE n.status END,
            task_id = CASE WHEN n.status = 'waiting' AND n.open_dependencies = f.times THEN oppspot_uuid() ELSE n.task_id END
        FROM freed f WHERE n.run_id = f.run_id AND n.agent_id = f.agent_id
        RETURNING n.run_id, n.agent_id, n.status
    )
    SELECT array_agg(DISTINCT e.run_id), (SELECT array_agg(agent_id) FROM counted WHERE status = 'queued')
    INTO touched_runs, touched_agents FROM ended e;
    IF touched_runs IS NULL THEN
        RETURN 0;
    END IF;

    UPDATE stream_run_nodes n SET status = 'skipped', finished_at = oppspot_now()
    FROM stream_run_nodes f, run_nodes_below(ARRAY[f.run_id], ARRAY[f.agent_id]) b
    WHERE (f.run_id, f.agent_id) IN (SELECT r, a FROM unnest(p_runs, p_agents) g (r, a))
      AND f.status IN ('failed', 'cancelled')
      AND n.run_id = b.run_id AND n.agent_id = b.agent_id AND n.status = 'waiting';

    IF touched_agents IS NOT NULL THEN
        started := start_run_tasks(touched_runs, touched_agents);
    END IF;
    PERFORM FROM stream_runs WHERE id = ANY (touched_runs) ORDER BY id FOR NO KEY UPDATE;
    PERFORM recount_runs(touched_runs);
    RETURN started;
END
$$;

-- Brings `open_nodes` and `status` of locked runs in line with their nodes.
CREATE FUNCTION recount_runs(p_runs uuid[]) RETURNS void
LANGUAGE sql SET search_path FROM CURRENT AS
$$
    UPDATE stream_runs r SET
        open_nodes = c.open,
        status = CASE WHEN c.open > 0 THEN 'running' WHEN c.failed > 0 THEN 'failed'
                      WHEN c.cancelled > 0 THEN 'cancelled' ELSE 'completed' END,
        finished_at = CASE WHEN c.open = 0 THEN oppspot_now() END
    FROM (SELECT run_id, count(*) FILTER (WHERE status IN ('waiting', 'queued'))::integer AS open,
                 count(*) FILTER (WHERE status = 'failed') AS failed,
                 count(*) FILTER (WHERE status = 'cancelled') AS cancelled
          FROM stream_run_nodes WHERE run_id = ANY (p_runs) GROUP BY run_id) c
    WHERE r.id = c.run_id AND (r.open_nodes, r.status = 'running') IS DISTINCT FROM (c.open, c.open > 0)
$$;

-- A node whose task somebody starts again: it is open again, and what was skipped because of it waits again.
CREATE FUNCTION reopen_run_node(p_run uuid, p_agent uuid) RETURNS void
LANGUAGE plpgsql SET search_path FROM CURRENT AS
$$
BEGIN
    PERFORM FROM stream_run_nodes n JOIN run_nodes_below(ARRAY[p_run], ARRAY[p_agent]) b USING (run_id, agent_id)
    ORDER BY n.run_id, n.agent_id FOR NO KEY UPDATE OF n;
    UPDATE stream_run_nodes SET status = 'queued', finished_at = NULL
    WHERE run_id = p_run AND agent_id = p_agent AND status IN ('failed', 'cancelled');
    IF NOT FOUND THEN
        RETURN;
    END IF;
    LOOP
        UPDATE stream_run_nodes n SET status = 'waiting', finished_at = NULL
        WHERE n.run_id = p_run AND n.status = 'skipped' AND NOT EXISTS (
            SELECT FROM stream_run_nodes d WHERE d.run_id = p_run AND d.agent_id = ANY (n.depends_on)
              AND d.status IN ('failed', 'cancelled', 'skipped'));
        EXIT WHEN NOT FOUND;
    END LOOP;
    PERFORM FROM stream_runs WHERE id = p_run FOR NO KEY UPDATE;
    PERFORM recount_runs(ARRAY[p_run]);
END
$$;

-- Serves everybody who changes a task by hand. The runner's own statements change run_token with
-- the status and do not come here. With its owner's rights: who may UPDATE tasks need not be able
-- to write the nodes and runs that follow from it.
CREATE FUNCTION agent_tasks_by_hand() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS
$$
BEGIN
    IF OLD.status = 'processing' THEN
        -- The attempt that is on will find itself fenced: its row ends here.
        UPDATE agent_executions SET status = 'cancelled', completed_at = oppspot_now(),
            error_message = 'the task was set to ' || NEW.status || ' by hand while it ran'
        WHERE task_id = OLD.id AND attempt = OLD.attempt AND status = 'running';
    END IF;
    IF NEW.status = 'pending' THEN
        NEW.run_token := NULL;
        NEW.runner_id := NULL;
        NEW.finished_at := NULL;
        IF OLD.status <> 'pending' THEN
            NEW.cancel_requested_at := NULL;
            NEW.cancel_reason := NULL;
            NEW.progress := NULL;
            -- A row that ended before the table was ours may lack what a waiting one must have.
            IF NEW.priority IS NOT DISTINCT FROM OLD.priority THEN
                NEW.priority := least(greatest(coalesce(NEW.priority, 5), 1), 10);
            END IF;
            IF NEW.scheduled_for IS NOT DISTINCT FROM OLD.scheduled_for
               AND NEW.scheduled_for NOT BETWEEN '1970-01-01Z' AND '9999-01-01Z' THEN
                NEW.scheduled_for := oppspot_now();
            END IF;
            IF NEW.created_at NOT BETWEEN '1970-01-01Z' AND '9999-01-01Z' THEN
                NEW.created_at := oppspot_now();
            END IF;
            NEW.payload := coalesce(NEW.payload, '{}');
            NEW.task_type := coalesce(nullif(NEW.task_type, ''), 'agent_execution');
            NEW.retry_count := least(greatest(coalesce(NEW.retry_count, 0), 0), 1000000000);
            NEW.max_retries := least(greatest(coalesce(NEW.max_retries, 3), 0), 1000000000);
            NEW.created_at := coalesce(NEW.created_at, oppspot_now());
        END IF;
        NEW.scheduled_for := coalesce(NEW.scheduled_for, oppspot_now());
        NEW.parked := NEW.scheduled_for > oppspot_now();
        IF NOT NEW.parked AND (OLD.parked OR OLD.status <> 'pending') THEN
            NEW.ready_seq := nextval('agent_tasks_ready_seq');
        END IF;
        IF NEW.run_id IS NOT NULL AND OLD.status IN ('failed', 'cancelled') THEN
            PERFORM reopen_run_node(NEW.run_id, NEW.agent_id);
        END IF;
        PERFORM wake_task_runners();
    ELSIF NEW.status IN ('completed', 'failed', 'cancelled') THEN
        NEW.run_token := NULL;
        NEW.runner_id := NULL;
        NEW.parked := false;
        NEW.finished_at := coalesce(NEW.finished_at, oppspot_now());
        IF NEW.run_id IS NOT NULL AND OLD.status IN ('pending', 'processing') THEN
            PERFORM settle_run_nodes(ARRAY[NEW.run_id], ARRAY[NEW.agent_id], ARRAY[NEW.status::text],
                                     ARRAY[NULL::uuid]);
        END IF;
    END IF;
    RETURN NEW;
END
$$;
DO $$
BEGIN
    -- As in wake_task_runners: nothing that a caller can make may come before ours.
    EXECUTE format('ALTER FUNCTION agent_tasks_by_hand() SET search_path = %I, pg_temp', current_schema());
END $$;
-- A task that somebody deletes before it ended ends its part of the run.
CREATE FUNCTION agent_tasks_deleted() RETURNS trigger
LANGUAGE plpgsql SET search_path FROM CURRENT AS
$$
BEGIN
    PERFORM settle_run_nodes(ARRAY[OLD.run_id], ARRAY[OLD.agent_id], ARRAY['cancelled'], ARRAY[NULL::uuid]);
    RETURN NULL;
END
$$;
CREATE TRIGGER agent_tasks_deleted AFTER DELETE ON agent_tasks FOR EACH ROW
WHEN (OLD.run_id IS NOT NULL AND OLD.status IN ('pending', 'processing'))
EXECUTE FUNCTION agent_tasks_deleted();

CREATE TRIGGER agent_tasks_by_hand BEFORE UPDATE OF status, scheduled_for ON agent_tasks FOR EACH ROW
WHEN (NEW.run_token IS NOT DISTINCT FROM OLD.run_token
      AND (NEW.status IS DISTINCT FROM OLD.status
           OR (NEW.status = 'pending' AND NEW.scheduled_for IS DISTINCT FROM OLD.scheduled_for)))
EXECUTE FUNCTION agent_tasks_by_hand();

INSERT INTO oppspot_migrations (number, name, breaking, applied_at)
VALUES (3, 'workflow', false, oppspot_now());
