-- Keys of limits: an agent may say which field of a payload is the key of its tasks; and what changes, or
-- goes away, takes its limits with it.

SET LOCAL lock_timeout = '30s';

-- The text or the number in the field of the payload that the agent's configuration names.
CREATE FUNCTION agent_limit_key(configuration jsonb, payload jsonb) RETURNS text
LANGUAGE sql IMMUTABLE
RETURN CASE WHEN configuration ? 'limit_key' AND jsonb_typeof(payload -> (configuration ->> 'limit_key')) IN ('string', 'number')
    THEN nullif(left(payload ->> (configuration ->> 'limit_key'), 200), '') END;
COMMENT ON FUNCTION agent_limit_key(jsonb, jsonb) IS
    'The limit_key of a task that was given none: from the field of its payload that the configuration of its agent names.';

-- As before, but tasks without a limit_key get that of their agent, and a task that is replaced gets the new one.
CREATE OR REPLACE FUNCTION add_tasks(tasks task_to_add[], on_conflict text DEFAULT 'skip')
RETURNS TABLE (place bigint, id uuid, outcome text, fault text)
LANGUAGE plpgsql SET search_path FROM CURRENT AS
$$
#variable_conflict use_column
DECLARE
    -- Ids count up from a random start: cheaper than a random number for each, and neighbours in the index.
    head text := left(oppspot_uuid()::text, 24);
    first_tail bigint := ('x' || right(gen_random_uuid()::text, 12))::bit(48)::bigint;
    keyed record;
    again task_to_add[];
    started_over uuid[];
BEGIN
    IF (on_conflict IN ('skip', 'replace', 'raise')) IS NOT TRUE THEN
        RAISE EXCEPTION 'on_conflict is %, not skip, replace or raise', coalesce(quote_literal(on_conflict), 'NULL')
            USING ERRCODE = 'invalid_parameter_value';
    END IF;
    tasks := ARRAY(
        SELECT (a.id, coalesce(g.payload, '{}'), coalesce(g.priority, 5), coalesce(g.scheduled_for, oppspot_now()),
                s.id, g.unique_key, coalesce(g.max_retries, 3), g.requested_by,
                coalesce(g.task_type, nullif(a.configuration ->> 'task_type', ''), 'agent_execution'), o.owner,
                coalesce(g.limit_key, agent_limit_key(a.configuration, g.payload)), g.place,
                (head || lpad(to_hex((first_tail + g.place) % (1::bigint << 48)), 12, '0'))::uuid,
                nextval('agent_tasks_ready_seq'), w.wrong[1], w.wrong[2])::task_to_add
        FROM unnest(tasks) WITH ORDINALITY AS g (agent_id, payload, priority, scheduled_for, stream_id, unique_key,
            max_retries, requested_by, task_type, org_id, limit_key, place_, id, ready_seq, outcome, fault, place)
        LEFT JOIN ai_agents a ON a.id = g.agent_id
        LEFT JOIN streams s ON s.id = g.stream_id
        CROSS JOIN LATERAL (SELECT coalesce(g.org_id, a.org_id, s.org_id) AS owner) o
        -- The table refuses most of this too, but then for the whole call, and tells it with the whole row.
        CROSS JOIN LATERAL (SELECT CASE
            WHEN a.id IS NULL THEN ARRAY['missing', format('there is no agent %s', coalesce(g.agent_id::text, 'NULL'))]
            WHEN s.id IS DISTINCT FROM g.stream_id THEN ARRAY['missing', format('there is no stream %s', g.stream_id)]
            WHEN g.priority NOT BETWEEN 1 AND 10
                THEN ARRAY['invalid', format('the priority is %s, not 1 to 10', g.priority)]
            WHEN g.max_retries < 0 THEN ARRAY['invalid', format('max_retries is %s, less than 0', g.max_retries)]
            WHEN g.scheduled_for NOT BETWEEN '1970-01-01Z' AND '9999-01-01Z'
                THEN ARRAY['invalid', format('scheduled_for is %s, not between 1970 and 9999', g.scheduled_for)]
            WHEN length(g.limit_key) NOT BETWEEN 1 AND 200
                THEN ARRAY['invalid', format('the limit_key has %s characters, not 1 to 200', length(g.limit_key))]
            WHEN g.task_type = '' THEN ARRAY['invalid', 'the task_type is empty']
            WHEN jsonb_typeof(g.payload) <> 'object'
                THEN ARRAY['invalid', format('the payload is %s, not a JSON object', jsonb_typeof(g.payload))]
            WHEN pg_column_size(g.payload) > 1048576 THEN ARRAY['invalid', 'the payload is larger than 1 MiB']
            WHEN a.org_id <> o.owner OR (s.id IS NOT NULL AND s.org_id IS DISTINCT FROM o.owner)
                THEN ARRAY['invalid', format('the agent belongs to organisation %s, the stream to %s, the task to %s',
                    coalesce(a.org_id::text, 'none'), coalesce(s.org_id::text, 'none'), coalesce(o.owner::text, 'none'))]
            END AS wrong) w
        ORDER BY g.place);
    -- What has a key may end between the write and the look: then the key is free, and tried again.
    FOR round IN 1..10 LOOP
        IF on_conflict = 'replace' THEN
            INSERT INTO agent_tasks AS t (id, agent_id, org_id, stream_id, task_type, priority, payload, scheduled_for,
                                          max_retries, requested_by, unique_key, limit_key, ready_seq)
            SELECT n.id, n.agent_id, n.org_id, n.stream_id, n.task_type, n.priority, n.payload, n.scheduled_for,
                   n.max_retries, n.requested_by, n.unique_key, n.limit_key, n.ready_seq
            FROM (SELECT u.*, max(u.place) OVER (PARTITION BY u.unique_key) AS last_place
                  FROM unnest(tasks) u WHERE u.outcome IS NULL) n
            WHERE n.unique_key IS NULL OR n.place = n.last_place
            ORDER BY n.unique_key COLLATE "C", n.place
            ON CONFLICT (unique_key) WHERE unique_key IS NOT NULL AND status IN ('pending', 'processing') DO UPDATE SET
                payload = excluded.payload, priority = excluded.priority, scheduled_for = excluded.scheduled_for,
                max_retries = excluded.max_retries, limit_key = excluded.limit_key, retry_count = 0, error_message = NULL
            WHERE t.status = 'pending' AND t.run_id IS NULL AND (t.agent_id, t.stream_id, t.org_id)
                IS NOT DISTINCT FROM (excluded.agent_id, excluded.stream_id, excluded.org_id);
        ELSE
            INSERT INTO agent_tasks (id, agent_id, org_id, stream_id, task_type, priority, payload, scheduled_for,
                                     max_retries, requested_by, unique_key, limit_key, ready_seq)
            SELECT n.id, n.agent_id, n.org_id, n.stream_id, n.task_type, n.priority, n.payload, n.scheduled_for,
                   n.max_retries, n.requested_by, n.unique_key, n.limit_key, n.ready_seq
            FROM unnest(tasks) n WHERE n.outcome IS NULL
            ORDER BY n.unique_key COLLATE "C", n.place
            ON CONFLICT (unique_key) WHERE unique_key IS NOT NULL AND status IN ('pending', 'processing') DO NOTHING;
        END IF;
        RETURN QUERY SELECT u.place, CASE WHEN u.outcome IS NULL THEN u.id END, coalesce(u.outcome, 'added'), u.fault
            FROM unnest(tasks) u WHERE u.outcome IS NOT NULL OR u.unique_key IS NULL;
        again := '{}';
        started_over := '{}';
        FOR keyed IN
            SELECT u AS task, h.*, (h.agent_id, h.stream_id, h.org_id)
                IS NOT DISTINCT FROM (u.agent_id, u.stream_id, u.org_id) AS is_alike
            FROM unnest(tasks) u LEFT JOIN LATERAL (
                SELECT t.id, t.agent_id, t.stream_id, t.org_id, t.status, t.run_id,
                       t.attempt > 0 OR t.replay_of IS NOT NULL AS may_have_steps
                FROM agent_tasks t
                WHERE t.unique_key = u.unique_key AND t.status IN ('pending', 'processing') LIMIT 1) h ON true
            WHERE u.outcome IS NULL AND u.unique_key IS NOT NULL
        LOOP
            place := (keyed.task).place;
            id := keyed.id;
            fault := NULL;
            IF id IS NULL THEN
                again := again || keyed.task;
                CONTINUE;
            ELSIF id = (keyed.task).id THEN
                outcome := 'added';
            ELSIF on_conflict = 'skip' THEN
                outcome := 'skipped';
            ELSIF on_conflict = 'replace' AND keyed.status = 'pending' AND keyed.run_id IS NULL AND keyed.is_alike THEN
                outcome := 'replaced';
                IF keyed.may_have_steps THEN
                    started_over := started_over || id;
                END IF;
            ELSE
                outcome := 'conflict';
                fault := format('task %s has the unique_key %L already and %s', id, (keyed.task).unique_key, CASE
                    WHEN on_conflict = 'replace' AND NOT keyed.is_alike THEN 'is for another agent, stream or organisation'
                    WHEN keyed.status = 'processing' THEN 'runs'
                    WHEN on_conflict = 'replace' THEN format('is part of run %s', keyed.run_id)
                    ELSE 'waits' END);
            END IF;
            RETURN NEXT;
        END LOOP;
        IF cardinality(started_over) > 0 THEN
            DELETE FROM agent_steps s WHERE s.task_id = ANY (started_over);
        END IF;
        tasks := again;
        EXIT WHEN cardinality(tasks) = 0;
    END LOOP;
    RETURN QUERY SELECT u.place, NULL::uuid, 'conflict',
        format('the unique_key %L is taken by a task that this role cannot see', u.unique_key) FROM unnest(tasks) u;
END
$$;

CREATE OR REPLACE FUNCTION start_run_tasks(p_runs uuid[], p_agents uuid[]) RETURNS integer
LANGUAGE sql SET search_path FROM CURRENT AS
$$
    WITH started AS (
        INSERT INTO agent_tasks (id, agent_id, org_id, stream_id, task_type, priority, payload, requested_by, run_id, limit_key)
        SELECT n.task_id, n.agent_id, r.org_id, r.stream_id,
               coalesce(nullif(a.configuration ->> 'task_type', ''), 'agent_execution'),
               r.priority, r.payload, r.requested_by, r.id, agent_limit_key(a.configuration, r.payload)
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

-- Out of line because its old key was full: of the new one nobody knows yet.
CREATE FUNCTION agent_tasks_new_key() RETURNS trigger
LANGUAGE plpgsql SET search_path FROM CURRENT AS
$$
BEGIN
    NEW.blocked := false;
    RETURN NEW;
END
$$;
CREATE TRIGGER agent_tasks_new_key BEFORE UPDATE OF limit_key ON agent_tasks FOR EACH ROW
WHEN (NEW.blocked AND NEW.limit_key IS DISTINCT FROM OLD.limit_key)
EXECUTE FUNCTION agent_tasks_new_key();

-- Digits are those of ASCII, whatever the collation: others have no number here.
CREATE OR REPLACE FUNCTION limit_rate(given text) RETURNS double precision
LANGUAGE sql IMMUTABLE AS
$$
    SELECT CASE WHEN f IS NOT NULL AND f[1]::float8 > 0 THEN f[1]::float8 / (
        coalesce(nullif(f[2], ''), '1')::float8 * CASE f[3] WHEN 's' THEN 1 WHEN 'm' THEN 60 WHEN 'h' THEN 3600 ELSE 86400 END) END
    FROM regexp_match(given, '^\s*([0-9]{1,6}(?:\.[0-9]{1,6})?)\s*/\s*([1-9][0-9]{0,4})?\s*([smhd])\s*$') AS f
$$;

-- A configuration may become NULL; an agent that is deleted has no limits any more, whoever set them.
CREATE OR REPLACE FUNCTION ai_agents_limits() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS
$$
DECLARE
    told jsonb := CASE WHEN TG_OP <> 'DELETE' AND jsonb_typeof(NEW.configuration) = 'object' THEN NEW.configuration ELSE '{}' END;
    most integer := CASE WHEN told ->> 'concurrency' ~ '^[0-9]{1,9}$' THEN (told ->> 'concurrency')::integer END;
    pace double precision := limit_rate(told ->> 'rate');
BEGIN
    IF most IS NULL AND pace IS NULL THEN
        DELETE FROM task_limits l WHERE l.scope = 'agent' AND (l.source = 'configuration' OR TG_OP = 'DELETE')
            AND l.key = CASE WHEN TG_OP = 'INSERT' THEN NEW.id ELSE OLD.id END::text;
    ELSE
        INSERT INTO task_limits AS l (scope, key, concurrency, rate, source)
        VALUES ('agent', NEW.id::text, most, pace, 'configuration')
        ON CONFLICT (scope, key) DO UPDATE SET concurrency = excluded.concurrency, rate = excluded.rate,
            burst = CASE WHEN excluded.rate IS NULL THEN NULL ELSE l.burst END, source = 'configuration'
        WHERE (l.concurrency, l.rate, l.source) IS DISTINCT FROM (excluded.concurrency, excluded.rate, 'configuration');
    END IF;
    RETURN NULL;
END
$$;
DO $$
BEGIN
    -- Nothing that a caller can make may come before ours: it runs with its owner's rights.
    EXECUTE format('ALTER FUNCTION ai_agents_limits() SET search_path = %I, pg_temp', current_schema());
END $$;
DROP TRIGGER ai_agents_limits ON ai_agents;
CREATE TRIGGER ai_agents_limits AFTER INSERT OR UPDATE OF configuration ON ai_agents FOR EACH ROW
EXECUTE FUNCTION ai_agents_limits();
DELETE FROM task_limits l WHERE l.scope = 'agent' AND NOT EXISTS (
    SELECT FROM ai_agents a WHERE a.id::text = l.key AND (l.source <> 'configuration' OR a.configuration IS NOT NULL));

INSERT INTO oppspot_migrations (number, name, breaking, applied_at)
VALUES (12, 'limit_keys', false, oppspot_now());
