-- For those who run it: dead letters grouped by what went wrong, replays with their lineage, and which
-- agents each runner knows.

SET LOCAL lock_timeout = '30s';

-- Known types are of use to people only (`tasks explain`), so they are written once, at the start.
ALTER TABLE task_runners ADD COLUMN agent_types text[];
COMMENT ON COLUMN task_runners.agent_types IS 'Agent types that the runner knew when it started; NULL: it did not say.';

-- No foreign key: the lineage may outlive the task, and pruning must not pay for it.
ALTER TABLE agent_tasks ADD COLUMN replay_of uuid;
COMMENT ON COLUMN agent_tasks.replay_of IS 'The task that this one does again, see replay_task.';
CREATE INDEX agent_tasks_replays ON agent_tasks (replay_of) WHERE replay_of IS NOT NULL;

-- What differs from one failure to the next of the same kind is taken out: quoted values first (an
-- apostrophe inside a word opens none), then ids, hex, and numbers with what joins them; the longest
-- match wins. Only the beginning counts: errors have up to 10,000 characters.
CREATE FUNCTION error_pattern(error text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
$$
    SELECT btrim(regexp_replace(regexp_replace(regexp_replace(left(coalesce(error, ''), 1000),
        '(?<!\w)''(?:[^'']|''(?=\w))*''(?!\w)|"[^"]*"|`[^`]*`', '?', 'g'),
        '[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}'
        '|\m(?:0x[0-9a-f]+|(?=[a-f]*[0-9])[0-9a-f]{8,})\M'
        '|(?:(?<!\w)[-+])?[0-9]+(?:[.,:/-][0-9]+)*', '?', 'gi'),
        '\s+', ' ', 'g'))
$$;
COMMENT ON FUNCTION error_pattern(text) IS
    'An error message without quoted values, ids, hex and numbers: the same for all failures of one kind.';

CREATE OR REPLACE VIEW dead_letter_tasks AS
SELECT t.id, t.agent_id, a.name AS agent_name, a.agent_type, t.org_id, t.stream_id, t.run_id, t.task_type, t.priority,
       t.payload, t.error_message, t.attempt AS attempts, t.retry_count, t.max_retries, t.crash_count,
       t.requested_by, t.unique_key, t.created_at, t.finished_at AS failed_at, oppspot_now() - t.finished_at AS age,
       error_pattern(t.error_message) AS error_pattern,
       to_hex(hashtextextended(error_pattern(t.error_message), 0)) AS fingerprint
FROM agent_tasks t LEFT JOIN ai_agents a ON a.id = t.agent_id
WHERE t.status = 'failed';
COMMENT ON VIEW dead_letter_tasks IS
    'Tasks that failed for good. They stay until somebody retries or discards them; age counts from their failure.';
COMMENT ON COLUMN dead_letter_tasks.fingerprint IS 'Stands for the error_pattern: the same for all failures of one kind.';

CREATE FUNCTION replay_task(id uuid, from_step text DEFAULT NULL, payload jsonb DEFAULT NULL) RETURNS uuid
LANGUAGE plpgsql SET search_path FROM CURRENT AS
$$
DECLARE
    task agent_tasks;
    until timestamptz;
    made uuid;
BEGIN
    SELECT t.* INTO task FROM agent_tasks t WHERE t.id = replay_task.id;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'there is no task %', coalesce(replay_task.id::text, 'NULL') USING ERRCODE = 'no_data_found',
            HINT = 'Completed and cancelled tasks are deleted after their retention.';
    ELSIF task.status IN ('pending', 'processing') THEN
        RAISE EXCEPTION 'task % is %: only a task that ended can be replayed', task.id, task.status
            USING ERRCODE = 'object_not_in_prerequisite_state', HINT = 'Wait for its end, or cancel it first.';
    ELSIF jsonb_typeof(replay_task.payload) <> 'object' THEN
        RAISE EXCEPTION 'the payload is %, not a JSON object', jsonb_typeof(replay_task.payload)
            USING ERRCODE = 'invalid_parameter_value';
    END IF;
    IF from_step IS NOT NULL THEN
        SELECT s.created_at INTO until FROM agent_steps s
        WHERE s.task_id = task.id AND from_step IN (s.name, s.name || ':' || s.seq)
        ORDER BY s.created_at LIMIT 1;
        IF NOT FOUND THEN
            RAISE EXCEPTION 'task % has no finished step %', task.id, quote_literal(from_step)
                USING ERRCODE = 'no_data_found', HINT = coalesce((
                    SELECT format('Its finished steps: %s.', string_agg(
                        s.name || CASE WHEN s.seq > 0 THEN ':' || s.seq ELSE '' END, ', ' ORDER BY s.created_at))
                    FROM agent_steps s WHERE s.task_id = task.id), 'It has finished none.');
        END IF;
    END IF;
    INSERT INTO agent_tasks (agent_id, org_id, stream_id, task_type, priority, payload, max_retries, requested_by,
                             limit_key, unique_key, replay_of)
    VALUES (task.agent_id, task.org_id, task.stream_id, task.task_type, task.priority,
            coalesce(replay_task.payload, task.payload), task.max_retries, task.requested_by,
            task.limit_key, task.unique_key, task.id)
    RETURNING agent_tasks.id INTO made;
    -- Attempt 0: finished before the first attempt of this task. The times keep the order of the steps.
    INSERT INTO agent_steps (task_id, name, seq, result, attempt, created_at)
    SELECT made, s.name, s.seq, s.result, 0, s.created_at FROM agent_steps s
    WHERE s.task_id = task.id AND s.created_at < until;
    RETURN made;
EXCEPTION WHEN unique_violation THEN
    RAISE EXCEPTION 'another task with the unique_key % waits or runs already', quote_literal(task.unique_key)
        USING ERRCODE = 'object_not_in_prerequisite_state', HINT = 'Wait for its end, or cancel it first.';
END
$$;
COMMENT ON FUNCTION replay_task(uuid, text, jsonb) IS
    'Adds a task that does an ended one again, with the results of its steps before from_step; returns its id.';

INSERT INTO oppspot_migrations (number, name, breaking, applied_at)
VALUES (9, 'operations', false, oppspot_now());
