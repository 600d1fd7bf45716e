-- Triggers that cost an INSERT or UPDATE next to nothing when there is nothing for them to do.
--
-- The condition of a trigger is parsed and planned anew by every statement, and so is a function in SQL that it
-- calls; one in plpgsql is prepared once for each session. So there are few conditions here, and functions look.

SET LOCAL lock_timeout = '30s';

-- Whether the next task should wake somebody. NOTIFY takes a lock that serialises commits, so a busy fleet is not
-- woken: whoever has no free slot asks again by itself as soon as it has one. With its owner's rights: who may
-- only INSERT a task need not see the runners.
CREATE FUNCTION task_runners_wait() RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS
$$
BEGIN
    RETURN EXISTS (SELECT FROM task_runners WHERE waiting AND lease_until > oppspot_now());
END
$$;
CREATE OR REPLACE FUNCTION wake_task_runners() RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS
$$
BEGIN
    IF task_runners_wait() THEN
        PERFORM pg_notify('oppspot_wake', current_schema());
    END IF;
END
$$;
DROP TRIGGER agent_tasks_wake ON agent_tasks;
CREATE TRIGGER agent_tasks_wake AFTER INSERT ON agent_tasks FOR EACH STATEMENT
WHEN (task_runners_wait()) EXECUTE FUNCTION agent_tasks_wake();

-- For every row, since a look at it costs less than a condition. A search_path of its own would cost as much again:
-- what it calls is named in full.
DO $do$
BEGIN
    EXECUTE format($function$
        CREATE OR REPLACE FUNCTION agent_tasks_fill_in() RETURNS trigger
        LANGUAGE plpgsql AS
        $$
        BEGIN
            IF NEW.scheduled_for <= %1$I.oppspot_now() AND NOT NEW.parked
               AND num_nulls(NEW.id, NEW.status, NEW.priority, NEW.payload, NEW.task_type,
                             NEW.retry_count, NEW.max_retries, NEW.created_at) = 0 THEN
                RETURN NEW;
            END IF;
            NEW.id := coalesce(NEW.id, %1$I.oppspot_uuid());
            NEW.priority := coalesce(NEW.priority, 5);
            NEW.payload := coalesce(NEW.payload, '{}');
            NEW.status := coalesce(NEW.status, 'pending');
            NEW.task_type := coalesce(NEW.task_type, 'agent_execution');
            NEW.retry_count := coalesce(NEW.retry_count, 0);
            NEW.max_retries := coalesce(NEW.max_retries, 3);
            NEW.created_at := coalesce(NEW.created_at, %1$I.oppspot_now());
            NEW.scheduled_for := coalesce(NEW.scheduled_for, %1$I.oppspot_now());
            NEW.parked := NEW.status = 'pending' AND NEW.scheduled_for > %1$I.oppspot_now();
            RETURN NEW;
        END
        $$
        $function$, current_schema());
END $do$;
DROP TRIGGER agent_tasks_fill_in ON agent_tasks;
CREATE TRIGGER agent_tasks_fill_in BEFORE INSERT ON agent_tasks FOR EACH ROW EXECUTE FUNCTION agent_tasks_fill_in();

DROP TRIGGER agent_tasks_tally_inserted ON agent_tasks;
CREATE TRIGGER agent_tasks_tally_inserted AFTER INSERT ON agent_tasks FOR EACH ROW
WHEN (NEW.status <> 'pending') EXECUTE FUNCTION agent_tasks_tally_inserted();

-- Serves everybody who changes a task by hand. The runner's own statements change run_token with the status
-- and do not come here. With its owner's rights: who may UPDATE tasks need not be able to write the nodes and
-- runs that follow from it, nor the tallies.
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
DROP TRIGGER agent_tasks_by_hand ON agent_tasks;
CREATE TRIGGER agent_tasks_by_hand BEFORE UPDATE OF status, scheduled_for ON agent_tasks FOR EACH ROW
WHEN (NEW.run_token IS NOT DISTINCT FROM OLD.run_token)
EXECUTE FUNCTION agent_tasks_by_hand();
DROP TRIGGER agent_tasks_bookkeeping ON agent_tasks;
DROP FUNCTION agent_tasks_bookkeeping();

DO $$
DECLARE
    definer text;
BEGIN
    -- Nothing that a caller can make (a table of pg_temp, a schema of his name) may come before ours.
    FOREACH definer IN ARRAY '{task_runners_wait,wake_task_runners,agent_tasks_by_hand}'::text[] LOOP
        EXECUTE format('ALTER FUNCTION %I() SET search_path = %I, pg_temp', definer, current_schema());
    END LOOP;
END $$;

INSERT INTO oppspot_migrations (number, name, breaking, applied_at)
VALUES (14, 'light_triggers', false, oppspot_now());
