-- Parents and children that do not end as they should: nobody is left behind, nobody is waited for in vain.
--
-- * A task that is cancelled or fails takes its open children with it, whoever ends it: its attempt, a rescue, a
--   hand. Nobody would read what they make, and what comes after the task would run beside them. Who puts
--   it in line again does so with those of its children that did not complete.
-- * Who ends a child by hand does not look after his commit whether it was the last one, as runners do. So he
--   notifies them, which happens after the commit: whoever of several commits last is heard last.
-- * Children are locked before the nodes of runs, as all tasks are.

SET LOCAL lock_timeout = '30s';

-- As before, and for those that are still on their way into their wait.
CREATE OR REPLACE FUNCTION wake_waiting() RETURNS integer
LANGUAGE plpgsql SET search_path FROM CURRENT AS
$$
DECLARE
    woken integer;
BEGIN
    UPDATE agent_tasks t SET signalled = t.status = 'processing',
        scheduled_for = CASE WHEN t.status = 'pending' THEN oppspot_now() ELSE t.scheduled_for END
    WHERE t.id = ANY (ARRAY(
        SELECT x.id FROM task_waits w JOIN agent_tasks x ON x.id = w.task_id AND x.attempt = w.attempt
        WHERE w.kind <> 'time' AND ((x.status = 'pending' AND x.parked) OR (x.status = 'processing' AND NOT x.signalled))
          AND CASE w.kind WHEN 'children' THEN NOT has_open_children(w.task_id)
            ELSE EXISTS (SELECT FROM run_signals s WHERE s.run_id = w.run_id AND s.name = w.name AND s.taken_by IS NULL) END
        LIMIT 100 FOR NO KEY UPDATE OF x SKIP LOCKED));
    GET DIAGNOSTICS woken = ROW_COUNT;
    RETURN woken;
END
$$;

-- Puts children in line again that did not complete; how many.
CREATE FUNCTION retry_children(parent uuid) RETURNS integer
LANGUAGE plpgsql SET search_path FROM CURRENT AS
$$
DECLARE
    child uuid;
    retried integer := 0;
BEGIN
    FOREACH child IN ARRAY ARRAY(
        SELECT c.id FROM agent_tasks c
        WHERE c.parent_task_id = parent AND c.status IN ('failed', 'cancelled') ORDER BY c.id FOR NO KEY UPDATE)
    LOOP
        retried := retried + retry_task(child)::integer;
    END LOOP;
    RETURN retried;
END
$$;

-- What follows for others from a change of a task by hand: for its children, its run, its parent.
CREATE FUNCTION follow_hand(was agent_tasks, task agent_tasks) RETURNS void
LANGUAGE plpgsql SET search_path FROM CURRENT AS
$$
BEGIN
    IF task.status = 'pending' THEN
        IF was.status IN ('failed', 'cancelled') THEN
            PERFORM retry_children(task.id);
            IF task.run_id IS NOT NULL THEN
                PERFORM reopen_run_node(task.run_id, task.agent_id);
            END IF;
        END IF;
        PERFORM wake_task_runners();
    ELSIF task.status IN ('completed', 'failed', 'cancelled') AND was.status IN ('pending', 'processing') THEN
        IF task.status <> 'completed' THEN
            PERFORM cancel_children(ARRAY[task.id], task.cancel_reason);
        END IF;
        IF task.run_id IS NOT NULL THEN
            PERFORM settle_run_nodes(ARRAY[task.run_id], ARRAY[task.agent_id], ARRAY[task.status::text], ARRAY[NULL::uuid]);
        END IF;
        IF task.parent_task_id IS NOT NULL THEN
            PERFORM pg_notify('oppspot_wake', current_schema() || '/waits');
        END IF;
    END IF;
END
$$;

-- As before; without a reason it is that for which the parent was cancelled, if it was.
CREATE OR REPLACE FUNCTION cancel_children(parents uuid[], reason text) RETURNS integer
LANGUAGE plpgsql SET search_path FROM CURRENT AS
$$
DECLARE
    child uuid;
    cancelled integer := 0;
BEGIN
    FOREACH child IN ARRAY ARRAY(
        SELECT c.id FROM agent_tasks c
        WHERE c.parent_task_id = ANY (parents) AND c.status IN ('pending', 'processing')
        ORDER BY c.id FOR NO KEY UPDATE)
    LOOP
        cancelled := cancelled + cancel_task(child, coalesce(reason, (
            SELECT p.cancel_reason FROM agent_tasks c JOIN agent_tasks p ON p.id = c.parent_task_id WHERE c.id = child),
            'its parent ended before it'))::integer;
    END LOOP;
    RETURN cancelled;
END
$$;

-- As before; what follows for others stands in follow_hand, so that this need not be written anew for it.
CREATE OR REPLACE FUNCTION agent_tasks_by_hand() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS
$$
BEGIN
    IF NEW.status IS NOT DISTINCT FROM OLD.status
       AND (NEW.status <> 'pending' OR NEW.scheduled_for IS NOT DISTINCT FROM OLD.scheduled_for) THEN
        RETURN NEW;
    END IF;
    IF NEW.status IS DISTINCT FROM OLD.status THEN
        NEW.held := false;
        NEW.blocked := false;
        -- A task that ended and is put in line again gets a new life, without its crashes.
        IF OLD.status IN ('completed', 'failed', 'cancelled') THEN
            NEW.crash_count := 0;
        END IF;
        -- One by one; what the runner's own statements end they tally all at once.
        PERFORM tally_tasks(ARRAY[
            (NEW.status = 'completed')::integer - (OLD.status = 'completed')::integer,
            (NEW.status = 'cancelled')::integer - (OLD.status = 'cancelled')::integer]);
    END IF;
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
    ELSIF NEW.status IN ('completed', 'failed', 'cancelled') THEN
        NEW.run_token := NULL;
        NEW.runner_id := NULL;
        NEW.parked := false;
        NEW.finished_at := coalesce(NEW.finished_at, oppspot_now());
    END IF;
    PERFORM follow_hand(OLD, NEW);
    RETURN NEW;
END
$$;
DO $$
BEGIN
    EXECUTE format('ALTER FUNCTION agent_tasks_by_hand() SET search_path = %I, pg_temp', current_schema());
END $$;

INSERT INTO oppspot_migrations (number, name, breaking, applied_at)
VALUES (23, 'orphans', false, oppspot_now());
