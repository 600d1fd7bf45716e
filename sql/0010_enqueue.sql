-- Putting tasks in, one or many: each with options of its own, and with a choice of what happens when
-- the unique_key of a task is taken by one that waits or runs.
--
--     SELECT enqueue_task('Daily digest', '{"days": 7}', unique_key => 'june', on_conflict => 'replace');
--
-- * skip: nothing is added; the answer is the id of the task that has the key.
-- * replace: a task that waits gets the new payload, priority, scheduled_for, limit_key and max_retries, and starts
--   over: no retries used, no steps remembered. One that runs is left alone, and so is one that is part
--   of a run of a stream, which keeps what it started with: the call is refused, so nothing gets lost.
-- * raise: the call is refused and names the task that has the key.

SET LOCAL lock_timeout = '30s';

-- add_tasks gives rows their place in line itself; whoever may INSERT needs no grant for it.
GRANT USAGE ON SEQUENCE agent_tasks_ready_seq TO PUBLIC;

CREATE TYPE task_to_add AS (
    agent_id uuid, payload jsonb, priority integer, scheduled_for timestamptz, stream_id uuid, unique_key text,
    max_retries integer, requested_by text, task_type text, org_id uuid, limit_key text,
    -- These are add_tasks's own.
    place bigint, id uuid, ready_seq bigint, outcome text, fault text
);
COMMENT ON TYPE task_to_add IS 'A task for add_tasks; an option that is NULL has its default.';

-- The one place where tasks are made of calls. Keyed rows are written in the order of their keys, so that
-- two sessions with the same keys wait for each other, but not in a circle; their place in line is that
-- of the call. agent_limit_key comes with 0012.
CREATE FUNCTION add_tasks(tasks task_to_add[], on_conflict text DEFAULT 'skip')
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
    replaced uuid[];
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
        -- Of several with one key the first is added, with replace the last.
        INSERT INTO agent_tasks (id, agent_id, org_id, stream_id, task_type, priority, payload, scheduled_for,
                                 max_retries, requested_by, unique_key, limit_key, ready_seq)
        SELECT n.id, n.agent_id, n.org_id, n.stream_id, n.task_type, n.priority, n.payload, n.scheduled_for,
               n.max_retries, n.requested_by, n.unique_key, n.limit_key, n.ready_seq
        FROM unnest(tasks) n WHERE n.outcome IS NULL
        ORDER BY n.unique_key COLLATE "C", CASE on_conflict WHEN 'replace' THEN -n.place ELSE n.place END
        ON CONFLICT (unique_key) WHERE unique_key IS NOT NULL AND status IN ('pending', 'processing') DO NOTHING;
        IF on_conflict = 'replace' THEN
            -- Only when all keys are had, and in the order of the ids, as those lock tasks who end many: an
            -- ON CONFLICT DO UPDATE locks them between two keys.
            WITH latest AS (
                SELECT DISTINCT ON (u.unique_key) u.* FROM unnest(tasks) u
                WHERE u.outcome IS NULL AND u.unique_key IS NOT NULL ORDER BY u.unique_key, u.place DESC
            ), taken AS (
                SELECT h.holder, l.* FROM latest l CROSS JOIN LATERAL (
                    SELECT t.id AS holder FROM agent_tasks t
                    WHERE t.unique_key = l.unique_key AND t.status IN ('pending', 'processing') LIMIT 1) h
                WHERE h.holder <> l.id ORDER BY h.holder
            ), waiting AS MATERIALIZED (
                SELECT n.* FROM taken n CROSS JOIN LATERAL (
                    SELECT FROM agent_tasks t
                    WHERE t.id = n.holder AND t.status = 'pending' AND t.run_id IS NULL
                      AND (t.agent_id, t.stream_id, t.org_id) IS NOT DISTINCT FROM (n.agent_id, n.stream_id, n.org_id)
                    LIMIT 1 FOR NO KEY UPDATE) h
            ), changed AS (
                UPDATE agent_tasks t SET payload = w.payload, priority = w.priority, scheduled_for = w.scheduled_for,
                    max_retries = w.max_retries, limit_key = w.limit_key, retry_count = 0, error_message = NULL
                FROM waiting w WHERE t.id = w.holder
                RETURNING t.id
            )
            SELECT array_agg(c.id) INTO replaced FROM changed c;
            replaced := replaced || ARRAY(SELECT u.id FROM unnest(tasks) u);
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
            IF id IS NULL OR (on_conflict = 'replace' AND keyed.status = 'pending' AND keyed.run_id IS NULL
                              AND keyed.is_alike AND id <> ALL (replaced)) THEN
                again := again || keyed.task;
                CONTINUE;
            ELSIF id = (keyed.task).id THEN
                outcome := 'added';
            ELSIF on_conflict = 'skip' THEN
                outcome := 'skipped';
            ELSIF on_conflict = 'replace' AND id = ANY (replaced) THEN
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
COMMENT ON FUNCTION add_tasks(task_to_add[], text) IS
    'Adds tasks; answers for each with its id, of a taken key that of the task that has it, and its outcome: added, skipped or replaced; or missing, invalid or conflict, with the fault.';

DROP FUNCTION enqueue_task(text, jsonb, integer, timestamptz, uuid, text, integer, text, text, uuid);
DROP FUNCTION enqueue_task(uuid, jsonb, integer, timestamptz, uuid, text, integer, text, text, uuid);
DROP FUNCTION enqueue_tasks(uuid, jsonb[], text[], integer, timestamptz, uuid, integer, text, text, uuid);

CREATE FUNCTION enqueue_tasks(
    agent uuid, payloads jsonb[], unique_keys text[] DEFAULT NULL, priority integer DEFAULT 5,
    scheduled_for timestamptz DEFAULT NULL, stream_id uuid DEFAULT NULL, max_retries integer DEFAULT NULL,
    requested_by text DEFAULT NULL, task_type text DEFAULT NULL, org_id uuid DEFAULT NULL, on_conflict text DEFAULT 'skip',
    limit_key text DEFAULT NULL
) RETURNS uuid[]
LANGUAGE plpgsql SET search_path FROM CURRENT AS
$$
DECLARE
    ids uuid[];
    outcomes text[];
    faults text[];
BEGIN
    IF cardinality(unique_keys) <> cardinality(payloads) THEN
        RAISE EXCEPTION 'there are % unique keys for % payloads', cardinality(unique_keys), cardinality(payloads)
            USING ERRCODE = 'invalid_parameter_value';
    END IF;
    SELECT array_agg(a.id ORDER BY a.place), array_agg(a.outcome ORDER BY a.place) FILTER (WHERE a.fault IS NOT NULL),
           array_agg(a.fault ORDER BY a.place) FILTER (WHERE a.fault IS NOT NULL)
    INTO ids, outcomes, faults
    FROM add_tasks(ARRAY(
        SELECT (enqueue_tasks.agent, g.payload, enqueue_tasks.priority, enqueue_tasks.scheduled_for,
                enqueue_tasks.stream_id, g.unique_key, enqueue_tasks.max_retries, enqueue_tasks.requested_by,
                enqueue_tasks.task_type, enqueue_tasks.org_id, enqueue_tasks.limit_key, NULL, NULL, NULL, NULL, NULL)::task_to_add
        FROM unnest(payloads, unique_keys) WITH ORDINALITY AS g (payload, unique_key, place) ORDER BY g.place),
        enqueue_tasks.on_conflict) a;
    IF faults IS NOT NULL THEN
        RAISE EXCEPTION '%', faults[1] USING
            ERRCODE = CASE outcomes[1] WHEN 'missing' THEN 'no_data_found' WHEN 'conflict'
                THEN 'object_not_in_prerequisite_state' ELSE 'invalid_parameter_value' END,
            HINT = CASE outcomes[1]
                WHEN 'missing' THEN 'See `oppspot-runner agents list` and `oppspot-runner streams list`.'
                WHEN 'conflict' THEN 'Wait for its end or cancel it, use another key, or another on_conflict.' ELSE '' END;
    END IF;
    RETURN coalesce(ids, '{}');
END
$$;
COMMENT ON FUNCTION enqueue_tasks(uuid, jsonb[], text[], integer, timestamptz, uuid, integer, text, text, uuid, text, text) IS
    'Adds a task for each payload, all or none; returns their ids in order, for a key that is taken the id of the task that has it.';

CREATE FUNCTION enqueue_task(
    agent uuid, payload jsonb DEFAULT '{}', priority integer DEFAULT 5, scheduled_for timestamptz DEFAULT NULL,
    stream_id uuid DEFAULT NULL, unique_key text DEFAULT NULL, max_retries integer DEFAULT NULL,
    requested_by text DEFAULT NULL, task_type text DEFAULT NULL, org_id uuid DEFAULT NULL, on_conflict text DEFAULT 'skip',
    limit_key text DEFAULT NULL
) RETURNS uuid
LANGUAGE sql SET search_path FROM CURRENT AS
$$
    SELECT (enqueue_tasks(agent, ARRAY[payload], ARRAY[unique_key], priority, scheduled_for, stream_id, max_retries,
                          requested_by, task_type, org_id, on_conflict, limit_key))[1]
$$;
COMMENT ON FUNCTION enqueue_task(uuid, jsonb, integer, timestamptz, uuid, text, integer, text, text, uuid, text, text) IS
    'Adds a task for an agent and returns its id; on_conflict says what happens when the unique_key is taken: skip (the id of the task that has it), replace or raise.';

CREATE FUNCTION enqueue_task(
    agent text, payload jsonb DEFAULT '{}', priority integer DEFAULT 5, scheduled_for timestamptz DEFAULT NULL,
    stream_id uuid DEFAULT NULL, unique_key text DEFAULT NULL, max_retries integer DEFAULT NULL,
    requested_by text DEFAULT NULL, task_type text DEFAULT NULL, org_id uuid DEFAULT NULL, on_conflict text DEFAULT 'skip',
    limit_key text DEFAULT NULL
) RETURNS uuid
LANGUAGE sql SET search_path FROM CURRENT AS
$$
    SELECT (enqueue_tasks(find_agent(agent, org_id), ARRAY[payload], ARRAY[unique_key], priority, scheduled_for,
                          stream_id, max_retries, requested_by, task_type, org_id, on_conflict, limit_key))[1]
$$;
COMMENT ON FUNCTION enqueue_task(text, jsonb, integer, timestamptz, uuid, text, integer, text, text, uuid, text, text) IS
    'The same for an agent named by its id, its name or its agent_type.';

INSERT INTO oppspot_migrations (number, name, breaking, applied_at)
VALUES (10, 'enqueue', false, oppspot_now());
