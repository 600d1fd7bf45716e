-- What happens in a run, for those who follow it: one row an event, numbered without a gap.
--
-- * Who adds events holds the run's row until its transaction ends, and takes the next numbers from
--   `last_event`. So a smaller number is never committed after a greater one, and a reader that
--   remembers the last number it saw misses nothing.
-- * Events of nodes and of the end are written by triggers, in the transaction that changes the rows,
--   whoever that is: a finish, a rescue, a cancel, somebody by hand. They lock the run after its
--   nodes, as everybody does; one whose agents have to take turns comes before its nodes (see
--   lock_run_nodes), so it comes before the other runs here too. What an attempt says of itself it
--   writes in batches, under the lock of its task and with its token.
-- * There is at most one last event (completed, error, cancelled). When somebody starts a part of the
--   run again, it becomes the status that it told of, and another last one will follow.
-- * An output is kept once, in agent_executions; its event names the row.
-- * Nobody is notified of a run that nobody follows: NOTIFY makes commits wait for each other.

SET LOCAL lock_timeout = '30s';

ALTER TABLE stream_runs
    ADD COLUMN last_event bigint NOT NULL DEFAULT 0,
    ADD COLUMN followed_until timestamptz;
-- Each batch of events writes the row anew: room for that on its own page.
ALTER TABLE stream_runs SET (fillfactor = 70);
COMMENT ON COLUMN stream_runs.last_event IS 'The number of the newest event of the run; 0 = none yet.';
COMMENT ON COLUMN stream_runs.followed_until IS 'Until then events of the run are notified: somebody waits for them.';

CREATE TABLE run_events (
    run_id uuid NOT NULL REFERENCES stream_runs (id) ON DELETE CASCADE,
    seq bigint NOT NULL CHECK (seq > 0),
    type text NOT NULL CHECK (type IN
        ('status', 'log', 'progress', 'output_chunk', 'output', 'completed', 'error', 'cancelled')),
    agent_id uuid,
    task_id uuid,
    attempt integer,
    execution_id uuid,
    data jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(data) = 'object'),
    created_at timestamptz NOT NULL DEFAULT oppspot_now(),
    PRIMARY KEY (run_id, seq)
);
COMMENT ON TABLE run_events IS 'What happened in runs, in order; kept for OPPSPOT_EVENT_RETENTION days.';
COMMENT ON COLUMN run_events.agent_id IS 'NULL = the event is of the run as a whole.';
COMMENT ON COLUMN run_events.execution_id IS 'The attempt whose output the event tells of.';
CREATE UNIQUE INDEX run_events_last ON run_events (run_id) WHERE type IN ('completed', 'error', 'cancelled');
CREATE INDEX run_events_created ON run_events USING brin (created_at);

-- Adds events, in the order given; their numbers are still to be taken. Runs that are gone get none.
CREATE FUNCTION add_run_events(p_events run_events[]) RETURNS void
LANGUAGE plpgsql SET search_path FROM CURRENT AS
$$
DECLARE
    run uuid;
BEGIN
    FOR run IN
        WITH given AS MATERIALIZED (
            SELECT g.*, row_number() OVER (PARTITION BY g.run_id ORDER BY g.place) AS n
            FROM unnest(p_events) WITH ORDINALITY
                AS g (run_id, seq, type, agent_id, task_id, attempt, execution_id, data, created_at, place)
        ), locked AS MATERIALIZED (
            SELECT r.id FROM stream_runs r WHERE r.id IN (SELECT g.run_id FROM given g)
            ORDER BY r.strategy = 'event' AND r.max_parallel IS NULL, r.id FOR NO KEY UPDATE
        ), numbered AS MATERIALIZED (
            UPDATE stream_runs r SET last_event = r.last_event + c.n
            FROM locked l JOIN (SELECT g.run_id, max(g.n) AS n FROM given g GROUP BY g.run_id) c ON c.run_id = l.id
            WHERE r.id = l.id
            RETURNING r.id, r.last_event - c.n AS before, r.followed_until > oppspot_now() AS followed
        ), written AS (
            INSERT INTO run_events (run_id, seq, type, agent_id, task_id, attempt, execution_id, data, created_at)
            SELECT g.run_id, d.before + g.n, g.type, g.agent_id, g.task_id, g.attempt, g.execution_id, g.data, oppspot_now()
            FROM given g JOIN numbered d ON d.id = g.run_id
        )
        SELECT d.id FROM numbered d WHERE d.followed
    LOOP
        PERFORM pg_notify('oppspot_events', run::text);
    END LOOP;
END
$$;

-- What attempts say of themselves while they run. Returns the tokens that are still theirs; of the
-- others, and of attempts that belong to no run, nothing is written. Locked in one order, found by the
-- key (see queue/hold).
CREATE FUNCTION add_attempt_events(p_tasks uuid[], p_tokens bigint[], p_types text[], p_data jsonb[]) RETURNS bigint[]
LANGUAGE plpgsql SET search_path FROM CURRENT AS
$$
DECLARE
    events run_events[];
    fenced_in bigint[];
BEGIN
    WITH given AS MATERIALIZED (
        SELECT * FROM unnest(p_tasks, p_tokens, p_types, p_data) WITH ORDINALITY AS g (task, token, type, data, place)
    ), mine AS MATERIALIZED (
        SELECT k.token, t.id, t.run_id, t.agent_id, t.attempt
        FROM (SELECT DISTINCT g.task, g.token FROM given g ORDER BY g.task, g.token) k
        CROSS JOIN LATERAL (
            SELECT l.id, l.run_id, l.agent_id, l.attempt FROM agent_tasks l
            WHERE l.id = k.task AND l.run_token = k.token LIMIT 1 FOR NO KEY UPDATE) t
    )
    SELECT (SELECT array_agg(m.token) FROM mine m),
           array_agg((m.run_id, 0, g.type, m.agent_id, m.id, m.attempt, NULL, g.data, NULL)::run_events ORDER BY g.place)
    INTO fenced_in, events
    FROM given g JOIN mine m ON m.token = g.token WHERE m.run_id IS NOT NULL;
    PERFORM add_run_events(events);
    RETURN coalesce(fenced_in, '{}');
END
$$;

-- What became of nodes. What ended is told of before what starts because of it, an output before the status.
CREATE FUNCTION tell_run_nodes(p_nodes stream_run_nodes[]) RETURNS void
LANGUAGE sql SET search_path FROM CURRENT AS
$$
    SELECT add_run_events(array_agg((n.run_id, 0, e.type, n.agent_id, n.task_id, t.attempt,
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
        UNION ALL SELECT 'output', '{}' WHERE n.status = 'completed') e
$$;

-- Nodes that are there from the start are told of unless they wait; later all changes are told.
CREATE FUNCTION stream_run_nodes_tell() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS
$$
DECLARE
    changed stream_run_nodes[];
BEGIN
    IF TG_OP = 'INSERT' THEN
        SELECT array_agg(ROW(n.*)::stream_run_nodes) INTO changed FROM new_nodes n WHERE n.status <> 'waiting';
    ELSE
        SELECT array_agg(ROW(n.*)::stream_run_nodes) INTO changed
        FROM new_nodes n JOIN old_nodes o ON o.run_id = n.run_id AND o.agent_id = n.agent_id
        WHERE n.status <> o.status;
    END IF;
    IF changed IS NOT NULL THEN
        PERFORM tell_run_nodes(changed);
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER stream_run_nodes_tell_new AFTER INSERT ON stream_run_nodes
REFERENCING NEW TABLE AS new_nodes FOR EACH STATEMENT EXECUTE FUNCTION stream_run_nodes_tell();
CREATE TRIGGER stream_run_nodes_tell AFTER UPDATE ON stream_run_nodes
REFERENCING OLD TABLE AS old_nodes NEW TABLE AS new_nodes FOR EACH STATEMENT EXECUTE FUNCTION stream_run_nodes_tell();

-- Why a run failed, in one line: the first of its agents that did.
CREATE FUNCTION run_error(p_run uuid) RETURNS text
LANGUAGE sql STABLE SET search_path FROM CURRENT AS
$$
    SELECT concat_ws(' failed: ', coalesce(a.name, n.agent_id::text), coalesce(t.error_message, n.reason))
    FROM stream_run_nodes n
    LEFT JOIN ai_agents a ON a.id = n.agent_id
    LEFT JOIN agent_tasks t ON t.id = n.task_id
    WHERE n.run_id = p_run AND n.status = 'failed'
    ORDER BY n.finished_at, n.level, n.agent_id LIMIT 1
$$;

CREATE FUNCTION stream_runs_tell() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS
$$
DECLARE
    told text := CASE NEW.status WHEN 'completed' THEN 'completed' WHEN 'failed' THEN 'error'
                                 WHEN 'cancelled' THEN 'cancelled' ELSE 'status' END;
BEGIN
    IF OLD.status IN ('completed', 'failed', 'cancelled') THEN
        UPDATE run_events SET type = 'status', data = jsonb_build_object('status', OLD.status)
        WHERE run_id = NEW.id AND type IN ('completed', 'error', 'cancelled');
    END IF;
    PERFORM add_run_events(ARRAY[(NEW.id, 0, told, NULL, NULL, NULL, NULL, CASE told
        WHEN 'status' THEN jsonb_build_object('status', NEW.status)
        WHEN 'error' THEN jsonb_build_object('error', coalesce(run_error(NEW.id), 'the run failed'))
        ELSE '{}' END, NULL)::run_events]);
    RETURN NULL;
END
$$;
CREATE TRIGGER stream_runs_tell AFTER UPDATE OF status ON stream_runs FOR EACH ROW
WHEN (NEW.status IS DISTINCT FROM OLD.status) EXECUTE FUNCTION stream_runs_tell();

-- Somebody waits for events of these runs: they are notified for half a minute from now. A run whose row
-- is held at the moment is not (`notified` is false): ask again. With its owner's rights: who may only
-- read may follow.
CREATE FUNCTION follow_runs(runs uuid[]) RETURNS TABLE (run_id uuid, last_event bigint, notified boolean)
LANGUAGE sql SECURITY DEFINER SET search_path FROM CURRENT AS
$$
    WITH asked AS (
        UPDATE stream_runs r SET followed_until = oppspot_now() + interval '30 s'
        WHERE r.id = ANY (ARRAY(
            SELECT f.id FROM stream_runs f
            WHERE f.id = ANY (follow_runs.runs) AND coalesce(f.followed_until < oppspot_now() + interval '15 s', true)
            ORDER BY f.id FOR NO KEY UPDATE SKIP LOCKED))
        RETURNING r.id, r.last_event
    )
    SELECT a.id, a.last_event, true FROM asked a
    UNION ALL
    SELECT r.id, r.last_event, coalesce(r.followed_until > oppspot_now(), false) FROM stream_runs r
    WHERE r.id = ANY (follow_runs.runs) AND r.id NOT IN (SELECT a.id FROM asked a)
$$;
DO $$
DECLARE
    ours text;
BEGIN
    -- As in wake_task_runners: nothing that a caller can make may come before ours.
    FOREACH ours IN ARRAY '{stream_run_nodes_tell(),stream_runs_tell(),follow_runs(uuid[])}'::text[] LOOP
        EXECUTE format('ALTER FUNCTION %s SET search_path = %I, pg_temp', ours, current_schema());
    END LOOP;
END $$;

INSERT INTO oppspot_migrations (number, name, breaking, applied_at)
VALUES (19, 'events', false, oppspot_now());
