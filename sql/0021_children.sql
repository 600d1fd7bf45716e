-- Fan-out: a task that makes many, and waits for their ends without holding a slot.
--
-- * Children are made with the step that remembers them, in one statement: once, however often the attempt is
--   repeated. The step keeps the first and the last id; those between them count up in the order of the payloads.
-- * Who ends a child looks after his commit whether it was the last one, and puts the parent in line; the parent
--   looks again after it said that it waits. Whoever is later sees the other, and nobody holds a lock for it.
-- * Whoever cancels a task cancels its children.

SET LOCAL lock_timeout = '30s';

-- No foreign key: as for replay_of, pruning must not pay for it.
ALTER TABLE agent_tasks ADD COLUMN parent_task_id uuid;
COMMENT ON COLUMN agent_tasks.parent_task_id IS 'The task whose agent made it by ctx.spawn, and waits for it.';
CREATE INDEX agent_tasks_children ON agent_tasks (parent_task_id) WHERE parent_task_id IS NOT NULL;
CREATE INDEX agent_tasks_open_children ON agent_tasks (parent_task_id)
    WHERE parent_task_id IS NOT NULL AND status IN ('pending', 'processing');

ALTER TABLE task_waits
    DROP CONSTRAINT task_waits_kind_check,
    ADD CONSTRAINT task_waits_kind_check CHECK (kind IN ('time', 'event', 'children'));

CREATE OR REPLACE VIEW waiting_tasks AS
SELECT w.task_id, t.agent_id, w.run_id, w.kind, w.name, w.since, w.due_at,
       CASE w.kind WHEN 'time' THEN 'its time' WHEN 'event' THEN 'the event ' || w.name
                   ELSE 'its children of ' || w.name END AS waits_for
FROM task_waits w JOIN agent_tasks t ON t.id = w.task_id
WHERE t.status = 'pending' AND t.parked AND t.attempt = w.attempt;
COMMENT ON VIEW waiting_tasks IS 'Tasks that wait for a time, an event or their children, holding no slot.';

CREATE FUNCTION has_open_children(parent uuid) RETURNS boolean
LANGUAGE sql STABLE SET search_path FROM CURRENT AS
$$
    SELECT EXISTS (SELECT FROM agent_tasks c WHERE c.parent_task_id = parent AND c.status IN ('pending', 'processing'))
$$;

-- Asked by an attempt, as wait_for_event. The result is what the step remembers of the children.
CREATE FUNCTION spawn_tasks(id uuid, token bigint, step text, seq integer, agent text, payloads jsonb)
RETURNS TABLE (over boolean, result jsonb, due_at timestamptz)
LANGUAGE plpgsql SET search_path FROM CURRENT AS
$$
DECLARE
    task agent_tasks;
    owner uuid;
    doer ai_agents;
    head text := left(oppspot_uuid()::text, 24);
    first_tail bigint := ('x' || right(gen_random_uuid()::text, 12))::bit(48)::bigint & ((1::bigint << 47) - 1);
BEGIN
    SELECT t.* INTO task FROM agent_tasks t WHERE t.id = $1 AND t.run_token = token FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    SELECT s.result INTO result FROM agent_steps s WHERE s.task_id = $1 AND s.name = step AND s.seq = $4;
    IF NOT FOUND THEN
        owner := coalesce(task.org_id, (SELECT a.org_id FROM ai_agents a WHERE a.id = task.agent_id));
        SELECT a.* INTO doer FROM ai_agents a WHERE a.id = find_agent(agent, owner);
        INSERT INTO agent_tasks (id, agent_id, org_id, task_type, priority, payload, requested_by, limit_key, parent_task_id)
        SELECT (head || lpad(to_hex(first_tail + g.place), 12, '0'))::uuid, doer.id, coalesce(owner, doer.org_id),
               coalesce(nullif(doer.configuration ->> 'task_type', ''), 'agent_execution'), task.priority, g.payload,
               task.requested_by, agent_limit_key(doer.configuration, g.payload), task.id
        FROM jsonb_array_elements(payloads) WITH ORDINALITY AS g (payload, place) ORDER BY g.place;
        result := jsonb_build_object(
            'first', head || lpad(to_hex(first_tail + 1), 12, '0'),
            'last', head || lpad(to_hex(first_tail + jsonb_array_length(payloads)), 12, '0'),
            'count', jsonb_array_length(payloads));
        INSERT INTO agent_steps (task_id, name, seq, result, attempt) VALUES ($1, step, $4, result, task.attempt);
    END IF;
    over := NOT EXISTS (
        SELECT FROM agent_tasks c WHERE c.id BETWEEN (result ->> 'first')::uuid AND (result ->> 'last')::uuid
          AND c.status IN ('pending', 'processing'));
    IF over THEN
        DELETE FROM task_waits w WHERE w.task_id = $1;
    ELSE
        PERFORM begin_wait(task, 'children', agent, NULL);
    END IF;
    RETURN NEXT;
END
$$;

-- Puts parents in line whose children have all ended; how many.
CREATE FUNCTION wake_parents(parents uuid[]) RETURNS integer
LANGUAGE plpgsql SET search_path FROM CURRENT AS
$$
DECLARE
    woken integer;
BEGIN
    UPDATE agent_tasks t SET signalled = t.status = 'processing',
        scheduled_for = CASE WHEN t.status = 'pending' THEN oppspot_now() ELSE t.scheduled_for END
    WHERE t.status IN ('pending', 'processing') AND t.id = ANY (ARRAY(
        SELECT x.id FROM task_waits w JOIN agent_tasks x ON x.id = w.task_id AND x.attempt = w.attempt
        WHERE w.task_id = ANY (parents) AND w.kind = 'children'
          AND (x.status = 'processing' OR (x.status = 'pending' AND x.parked)) AND NOT has_open_children(w.task_id)
        ORDER BY x.id FOR NO KEY UPDATE OF x));
    GET DIAGNOSTICS woken = ROW_COUNT;
    RETURN woken;
END
$$;

-- As before, and for children that ended by hand or whose runner died before it looked.
CREATE OR REPLACE FUNCTION wake_waiting() RETURNS integer
LANGUAGE plpgsql SET search_path FROM CURRENT AS
$$
DECLARE
    woken integer;
BEGIN
    UPDATE agent_tasks t SET scheduled_for = oppspot_now() WHERE t.id = ANY (ARRAY(
        SELECT x.id FROM task_waits w JOIN agent_tasks x ON x.id = w.task_id AND x.attempt = w.attempt
        WHERE w.kind <> 'time' AND x.status = 'pending' AND x.parked AND CASE w.kind
            WHEN 'children' THEN NOT has_open_children(w.task_id)
            ELSE EXISTS (SELECT FROM run_signals s WHERE s.run_id = w.run_id AND s.name = w.name AND s.taken_by IS NULL) END
        LIMIT 100 FOR NO KEY UPDATE OF x SKIP LOCKED));
    GET DIAGNOSTICS woken = ROW_COUNT;
    RETURN woken;
END
$$;

-- Locked in the order of their ids before the first is cancelled, as everywhere.
CREATE FUNCTION cancel_children(parents uuid[], reason text) RETURNS integer
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
        cancelled := cancelled + cancel_task(child, coalesce(reason, 'its parent was cancelled'))::integer;
    END LOOP;
    RETURN cancelled;
END
$$;

-- As before; what is cancelled takes its children with it.
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
        IF NEW.status = 'cancelled' AND OLD.status IN ('pending', 'processing') THEN
            PERFORM cancel_children(ARRAY[NEW.id], NEW.cancel_reason);
        END IF;
    END IF;
    RETURN NEW;
END
$$;
DO $$
BEGIN
    EXECUTE format('ALTER FUNCTION agent_tasks_by_hand() SET search_path = %I, pg_temp', current_schema());
END $$;

INSERT INTO oppspot_migrations (number, name, breaking, applied_at)
VALUES (21, 'children', false, oppspot_now());
