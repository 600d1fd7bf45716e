-- Waits that hold no slot: an agent that waits for a time or for an event (a signal of its run) ends its
-- attempt, its task is parked, and a later attempt goes on from the steps that it remembers.
--
-- * task_waits says what a task waits for, as the attempt `attempt` left it. The task is due at `due_at`, or when
--   what it waits for comes, whichever is first.
-- * A signal is taken by one wait, once, in the order of the signals of that name; one that comes early is kept.
-- * Whoever waits looks for a signal and says that he waits under the lock of the run's signals; whoever sends
--   one looks for those who wait under the same lock. So one sees the other. The task may be on its way into
--   its wait then: `signalled` tells the statement that parks it to leave it in line.

SET LOCAL lock_timeout = '30s';

ALTER TABLE agent_tasks ADD COLUMN signalled boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN agent_tasks.signalled IS 'What it waits for came while the attempt that waits was ending: it comes back at once.';

ALTER TABLE run_signals
    ADD COLUMN seq bigint GENERATED ALWAYS AS IDENTITY,
    ADD COLUMN taken_by uuid,
    ADD COLUMN taken_at timestamptz;
COMMENT ON COLUMN run_signals.seq IS 'The order in which signals of one name are taken.';
COMMENT ON COLUMN run_signals.taken_by IS 'The task whose wait it answered; NULL: it is kept for the next one.';
DROP INDEX run_signals_run;
CREATE INDEX run_signals_run ON run_signals (run_id, name, seq) WHERE taken_by IS NULL;

CREATE TABLE task_waits (
    task_id uuid PRIMARY KEY REFERENCES agent_tasks (id) ON DELETE CASCADE,
    attempt integer NOT NULL,
    kind text NOT NULL CHECK (kind IN ('time', 'event')),
    name text CHECK ((name IS NULL) = (kind = 'time')),
    run_id uuid,
    due_at timestamptz,
    since timestamptz NOT NULL DEFAULT oppspot_now()
);
COMMENT ON TABLE task_waits IS 'What tasks wait for; see waiting_tasks for those that do so now.';
COMMENT ON COLUMN task_waits.due_at IS 'When it goes on in any case; NULL: never.';
CREATE INDEX task_waits_event ON task_waits (run_id, name) WHERE kind = 'event';

CREATE VIEW waiting_tasks AS
SELECT w.task_id, t.agent_id, w.run_id, w.kind, w.name, w.since, w.due_at,
       CASE w.kind WHEN 'time' THEN 'its time' ELSE 'the event ' || w.name END AS waits_for
FROM task_waits w JOIN agent_tasks t ON t.id = w.task_id
WHERE t.status = 'pending' AND t.parked AND t.attempt = w.attempt;
COMMENT ON VIEW waiting_tasks IS 'Tasks that wait for a time or an event, holding no slot.';

-- Remembers the result of a wait that is over like that of any step.
CREATE FUNCTION end_wait(task agent_tasks, step text, seq integer, result jsonb) RETURNS void
LANGUAGE sql SET search_path FROM CURRENT AS
$$
    DELETE FROM task_waits w WHERE w.task_id = ($1).id;
    INSERT INTO agent_steps (task_id, name, seq, result, attempt) VALUES (($1).id, $2, $3, $4, ($1).attempt)
    ON CONFLICT DO NOTHING;
$$;

CREATE FUNCTION begin_wait(task agent_tasks, kind text, name text, due_at timestamptz) RETURNS void
LANGUAGE sql SET search_path FROM CURRENT AS
$$
    INSERT INTO task_waits (task_id, attempt, kind, name, run_id, due_at)
    VALUES (($1).id, ($1).attempt, $2, $3, ($1).run_id, $4)
    ON CONFLICT (task_id) DO UPDATE SET attempt = excluded.attempt, kind = excluded.kind, name = excluded.name,
        run_id = excluded.run_id, due_at = excluded.due_at,
        since = CASE WHEN (task_waits.kind, task_waits.name) IS NOT DISTINCT FROM (excluded.kind, excluded.name)
                     THEN task_waits.since ELSE excluded.since END;
    UPDATE agent_tasks t SET signalled = false WHERE t.id = ($1).id AND t.signalled;
$$;

-- The time that a wait was given first, whatever it is given again.
CREATE FUNCTION first_time(task agent_tasks, step text, seq integer, wanted timestamptz) RETURNS timestamptz
LANGUAGE sql SET search_path FROM CURRENT AS
$$
    INSERT INTO agent_steps (task_id, name, seq, result, attempt)
    VALUES (($1).id, $2, $3, to_jsonb($4), ($1).attempt) ON CONFLICT DO NOTHING;
    SELECT (s.result #>> '{}')::timestamptz FROM agent_steps s WHERE s.task_id = ($1).id AND s.name = $2 AND s.seq = $3;
$$;

-- Both of these are asked by an attempt, in the name of its token, and answer with no row when the task is no
-- longer its own. `over`: what was waited for is there; else the task may be parked until `due_at`.
CREATE FUNCTION wait_for_time(id uuid, token bigint, step text, seq integer, wanted timestamptz)
RETURNS TABLE (over boolean, result jsonb, due_at timestamptz)
LANGUAGE plpgsql SET search_path FROM CURRENT AS
$$
DECLARE
    task agent_tasks;
BEGIN
    SELECT t.* INTO task FROM agent_tasks t WHERE t.id = $1 AND t.run_token = token FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    due_at := first_time(task, step, seq, wanted);
    over := due_at <= oppspot_now();
    IF over THEN
        DELETE FROM task_waits w WHERE w.task_id = $1;
    ELSE
        PERFORM begin_wait(task, 'time', NULL, due_at);
    END IF;
    RETURN NEXT;
END
$$;

CREATE FUNCTION hold_signals(run uuid, alone boolean) RETURNS void
LANGUAGE plpgsql AS
$$
DECLARE
    key bigint := hashtextextended(current_schema() || '.run_signals.' || run, 0);
BEGIN
    IF alone THEN
        PERFORM pg_advisory_xact_lock(key);
    ELSE
        PERFORM pg_advisory_xact_lock_shared(key);
    END IF;
END
$$;

-- The result is {"payload": ...} of a signal, or {"timed_out": true}. A task without a run waits for nothing:
-- `over` is NULL.
CREATE FUNCTION wait_for_event(
    id uuid, token bigint, name text, step text, deadline_step text, seq integer, timeout_s double precision
) RETURNS TABLE (over boolean, result jsonb, due_at timestamptz)
LANGUAGE plpgsql SET search_path FROM CURRENT AS
$$
DECLARE
    run uuid := (SELECT t.run_id FROM agent_tasks t WHERE t.id = $1 AND t.run_token = token);
    task agent_tasks;
BEGIN
    IF run IS NOT NULL THEN
        -- Before the row of the task: who sends a signal takes them in this order.
        PERFORM hold_signals(run, true);
    END IF;
    SELECT t.* INTO task FROM agent_tasks t WHERE t.id = $1 AND t.run_token = token FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RETURN;
    ELSIF run IS NULL THEN
        RETURN NEXT;
        RETURN;
    END IF;
    -- Asked again, because the answer got lost: the same signal answers.
    SELECT s.result INTO result FROM agent_steps s WHERE s.task_id = $1 AND s.name = step AND s.seq = $6;
    IF NOT FOUND THEN
        UPDATE run_signals s SET taken_by = $1, taken_at = oppspot_now()
        WHERE s.id = (SELECT q.id FROM run_signals q
                      WHERE q.run_id = run AND q.name = $3 AND q.taken_by IS NULL ORDER BY q.seq LIMIT 1)
        RETURNING jsonb_build_object('payload', s.payload) INTO result;
    END IF;
    IF result IS NULL AND timeout_s IS NOT NULL THEN
        due_at := first_time(task, deadline_step, $6, oppspot_now() + make_interval(secs => timeout_s));
        result := CASE WHEN due_at <= oppspot_now() THEN '{"timed_out": true}'::jsonb END;
    END IF;
    over := result IS NOT NULL;
    IF over THEN
        PERFORM end_wait(task, step, $6, result);
    ELSE
        PERFORM begin_wait(task, 'event', $3, due_at);
    END IF;
    RETURN NEXT;
END
$$;

-- Signals wake those who wait for them; with its owner's rights: who may send one need not be able to change tasks.
CREATE FUNCTION run_signals_wake() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS
$$
BEGIN
    PERFORM hold_signals(NEW.run_id, false);
    UPDATE agent_tasks t SET signalled = t.status = 'processing',
        scheduled_for = CASE WHEN t.status = 'pending' THEN oppspot_now() ELSE t.scheduled_for END
    WHERE t.status IN ('pending', 'processing') AND t.id = ANY (ARRAY(
        SELECT x.id FROM task_waits w JOIN agent_tasks x ON x.id = w.task_id AND x.attempt = w.attempt
        WHERE w.kind = 'event' AND w.run_id = NEW.run_id AND w.name = NEW.name
          AND (x.status = 'processing' OR (x.status = 'pending' AND x.parked))
        ORDER BY x.id FOR NO KEY UPDATE OF x));
    RETURN NULL;
END
$$;
DO $$
BEGIN
    EXECUTE format('ALTER FUNCTION run_signals_wake() SET search_path = %I, pg_temp', current_schema());
END $$;
CREATE TRIGGER run_signals_wake AFTER INSERT ON run_signals FOR EACH ROW EXECUTE FUNCTION run_signals_wake();

-- For what nobody woke, such as a signal of a transaction that did not see the wait; how many.
CREATE FUNCTION wake_waiting() RETURNS integer
LANGUAGE plpgsql SET search_path FROM CURRENT AS
$$
DECLARE
    woken integer;
BEGIN
    UPDATE agent_tasks t SET scheduled_for = oppspot_now() WHERE t.id = ANY (ARRAY(
        SELECT x.id FROM task_waits w JOIN agent_tasks x ON x.id = w.task_id AND x.attempt = w.attempt
        WHERE w.kind = 'event' AND x.status = 'pending' AND x.parked AND EXISTS (
            SELECT FROM run_signals s WHERE s.run_id = w.run_id AND s.name = w.name AND s.taken_by IS NULL)
        LIMIT 100 FOR NO KEY UPDATE OF x SKIP LOCKED));
    GET DIAGNOSTICS woken = ROW_COUNT;
    RETURN woken;
END
$$;

COMMENT ON FUNCTION signal_run(uuid, text, jsonb) IS
    'Sends a signal to a run of a stream that is on: the first wait for its name takes it, now or later. Returns the id of its row in run_signals.';

INSERT INTO oppspot_migrations (number, name, breaking, applied_at)
VALUES (17, 'waits', false, oppspot_now());
