-- Totals that cost nothing to read, however many rows have ended.
--
-- Waiting, running and failed tasks are counted in the partial indexes that they are in. Completed and cancelled ones
-- may be millions: whoever ends, restarts or deletes some adds a row that says how many more or fewer
-- there are, and runners fold these rows now and then. A row that everybody adds to would make all
-- commits wait for each other.

SET LOCAL lock_timeout = '30s';
SET LOCAL row_security = off;

CREATE TABLE task_tallies (
    status text NOT NULL CHECK (status IN ('completed', 'cancelled')),
    n bigint NOT NULL
) WITH (autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 500);
COMMENT ON TABLE task_tallies IS 'The sums of n are how many completed and cancelled tasks there are.';

-- With its owner's rights, as wake_task_runners: who may INSERT or UPDATE a task need not see the tallies.
CREATE FUNCTION tally_tasks(changes bigint[]) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path FROM CURRENT AS
$$
    INSERT INTO task_tallies (status, n)
    SELECT s, d FROM unnest('{completed,cancelled}'::text[], changes) AS c (s, d) WHERE d <> 0
$$;
DO $$
BEGIN
    EXECUTE format('ALTER FUNCTION tally_tasks(bigint[]) SET search_path = %I, pg_temp', current_schema());
END $$;

-- By hand, one by one; what the runner's own statements end they tally all at once (queue/finish,
-- queue/rescue).
CREATE OR REPLACE FUNCTION agent_tasks_bookkeeping() RETURNS trigger
LANGUAGE plpgsql SET search_path FROM CURRENT AS
$$
BEGIN
    NEW.held := false;
    NEW.blocked := false;
    IF OLD.status IN ('completed', 'failed', 'cancelled') THEN
        NEW.crash_count := 0;
    END IF;
    PERFORM tally_tasks(ARRAY[
        (NEW.status = 'completed')::integer - (OLD.status = 'completed')::integer,
        (NEW.status = 'cancelled')::integer - (OLD.status = 'cancelled')::integer]);
    RETURN NEW;
END
$$;
CREATE FUNCTION agent_tasks_tally_inserted() RETURNS trigger
LANGUAGE plpgsql SET search_path FROM CURRENT AS
$$
BEGIN
    PERFORM tally_tasks(ARRAY[(NEW.status = 'completed')::integer, (NEW.status = 'cancelled')::integer]);
    RETURN NULL;
END
$$;
CREATE TRIGGER agent_tasks_tally_inserted AFTER INSERT ON agent_tasks FOR EACH ROW
WHEN (NEW.status IN ('completed', 'cancelled')) EXECUTE FUNCTION agent_tasks_tally_inserted();

CREATE FUNCTION agent_tasks_tally_gone() RETURNS trigger
LANGUAGE plpgsql SET search_path FROM CURRENT AS
$$
BEGIN
    IF TG_OP = 'TRUNCATE' THEN
        TRUNCATE task_tallies;
        RETURN NULL;
    END IF;
    PERFORM tally_tasks(ARRAY[-count(*) FILTER (WHERE status = 'completed'), -count(*) FILTER (WHERE status = 'cancelled')])
    FROM gone;
    RETURN NULL;
END
$$;
CREATE TRIGGER agent_tasks_tally_deleted AFTER DELETE ON agent_tasks REFERENCING OLD TABLE AS gone FOR EACH STATEMENT
EXECUTE FUNCTION agent_tasks_tally_gone();
CREATE TRIGGER agent_tasks_tally_truncated AFTER TRUNCATE ON agent_tasks FOR EACH STATEMENT
EXECUTE FUNCTION agent_tasks_tally_gone();

-- Counts all rows again: after somebody went round the triggers. Nobody writes tasks meanwhile.
CREATE FUNCTION recount_tasks() RETURNS void
LANGUAGE sql SET search_path FROM CURRENT AS
$$
    LOCK TABLE agent_tasks IN SHARE MODE;
    DELETE FROM task_tallies;
    INSERT INTO task_tallies (status, n)
    SELECT status, count(*) FROM agent_tasks WHERE status IN ('completed', 'cancelled') GROUP BY status;
$$;
COMMENT ON FUNCTION recount_tasks() IS 'Counts completed and cancelled tasks again, after triggers were switched off.';
SELECT recount_tasks();

CREATE OR REPLACE VIEW task_runner_stats AS
SELECT c.pending, c.processing, c.completed, c.failed, c.cancelled,
       c.pending + c.processing + c.completed + c.failed + c.cancelled AS total
FROM (SELECT (SELECT count(*) FROM agent_tasks WHERE status = 'pending' AND NOT parked AND NOT blocked)
             + (SELECT count(*) FROM agent_tasks WHERE status = 'pending' AND parked)
             + (SELECT count(*) FROM agent_tasks WHERE status = 'pending' AND blocked AND NOT parked) AS pending,
             (SELECT count(*) FROM agent_tasks WHERE status = 'processing') AS processing,
             (SELECT coalesce(sum(n), 0)::bigint FROM task_tallies WHERE status = 'completed') AS completed,
             (SELECT count(*) FROM agent_tasks WHERE status = 'failed') AS failed,
             (SELECT coalesce(sum(n), 0)::bigint FROM task_tallies WHERE status = 'cancelled') AS cancelled) c;

INSERT INTO oppspot_migrations (number, name, breaking, applied_at)
VALUES (8, 'totals', false, oppspot_now());
