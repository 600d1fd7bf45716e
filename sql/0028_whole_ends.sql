-- A cancelled run ends whole, and a retried parent gets all its children back.
--
-- * Agents end while their run is being cancelled: what they start is looked for until nothing new is found.
-- * Children are locked before the nodes of runs, as all tasks are, also by who cancels a run.
-- * Children that are still being cancelled when their parent is retried are fenced and put in line again.
--   They would else end as cancelled under a parent that waits for them.
-- * Whoever follows a run hears at once that it was deleted.

SET LOCAL lock_timeout = '30s';

-- As before, but whole. With the nodes locked only an approval can have started something: that is passed
-- over where somebody has it, for he may wait for the nodes.
CREATE OR REPLACE FUNCTION cancel_run(id uuid, reason text DEFAULT NULL, agent uuid DEFAULT NULL)
RETURNS TABLE (task_id uuid, was text)
LANGUAGE plpgsql SET search_path FROM CURRENT AS
$$
DECLARE
    why text := coalesce(nullif(cancel_run.reason, ''), 'cancelled on request');
    members uuid[] := CASE WHEN agent IS NULL
        THEN ARRAY(SELECT n.agent_id FROM stream_run_nodes n WHERE n.run_id = cancel_run.id)
        ELSE ARRAY(SELECT b.agent_id FROM run_nodes_below(ARRAY[id], ARRAY[agent]) b) END;
    locked integer := -1;
    tasks uuid[] := '{}';
    runs uuid[];
    agents uuid[];
BEGIN
    PERFORM FROM stream_runs r WHERE r.id = cancel_run.id;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'there is no run %', coalesce(cancel_run.id::text, 'NULL')
            USING ERRCODE = 'no_data_found', HINT = 'See `oppspot-runner runs list`.';
    END IF;
    WHILE cardinality(tasks) > locked LOOP
        locked := cardinality(tasks);
        tasks := ARRAY(
            WITH RECURSIVE ending AS (
                SELECT o.id, o.status FROM agent_tasks o
                WHERE o.run_id = cancel_run.id AND o.status IN ('pending', 'processing') AND o.cancel_requested_at IS NULL
                  AND (agent IS NULL OR o.agent_id = ANY (members))
                UNION
                SELECT c.id, c.status FROM ending p
                JOIN agent_tasks c ON c.parent_task_id = p.id AND c.status IN ('pending', 'processing')
                WHERE p.status = 'pending'  -- one that runs takes its children with it when it ends
            )
            SELECT t.id FROM agent_tasks t
            WHERE t.id = ANY (ARRAY(SELECT e.id FROM ending e)) AND t.status IN ('pending', 'processing')
            ORDER BY t.id FOR NO KEY UPDATE);
    END LOOP;
    PERFORM FROM stream_runs r WHERE r.id = cancel_run.id AND (r.strategy <> 'event' OR r.max_parallel IS NOT NULL)
    FOR NO KEY UPDATE;
    PERFORM FROM stream_run_nodes n WHERE n.run_id = cancel_run.id AND n.agent_id = ANY (members)
    ORDER BY n.agent_id FOR NO KEY UPDATE;
    tasks := ARRAY(SELECT t.id FROM agent_tasks t
        WHERE t.run_id = cancel_run.id AND t.status IN ('pending', 'processing') AND t.cancel_requested_at IS NULL
          AND (agent IS NULL OR t.agent_id = ANY (members))
        ORDER BY t.id FOR NO KEY UPDATE SKIP LOCKED);
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

-- Puts children in line again that did not complete, or are being cancelled; how many.
CREATE OR REPLACE FUNCTION retry_children(parent uuid) RETURNS integer
LANGUAGE plpgsql SET search_path FROM CURRENT AS
$$
DECLARE
    retried integer;
BEGIN
    UPDATE agent_tasks t SET status = 'pending', retry_count = 0, crash_count = 0, scheduled_for = oppspot_now()
    WHERE t.id = ANY (ARRAY(
        SELECT c.id FROM agent_tasks c
        WHERE c.parent_task_id = parent
          AND (c.status IN ('failed', 'cancelled') OR (c.status = 'processing' AND c.cancel_requested_at IS NOT NULL))
        ORDER BY c.id FOR NO KEY UPDATE));
    GET DIAGNOSTICS retried = ROW_COUNT;
    RETURN retried;
END
$$;

-- A follower that hears of its run looks, and finds none.
CREATE FUNCTION stream_runs_deleted() RETURNS trigger
LANGUAGE plpgsql SET search_path FROM CURRENT AS
$$
BEGIN
    IF OLD.followed_until > oppspot_now() THEN
        PERFORM pg_notify('oppspot_events', OLD.id::text);
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER stream_runs_deleted AFTER DELETE ON stream_runs FOR EACH ROW
WHEN (OLD.followed_until IS NOT NULL) EXECUTE FUNCTION stream_runs_deleted();

INSERT INTO oppspot_migrations (number, name, breaking, applied_at)
VALUES (28, 'whole_ends', false, oppspot_now());
