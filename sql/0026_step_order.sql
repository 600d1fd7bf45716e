-- What was called when: a later attempt that calls other steps than an earlier one is told.
ALTER TABLE agent_steps ADD COLUMN position integer CHECK (position >= 0), ADD COLUMN fingerprint text;
COMMENT ON COLUMN agent_steps.position IS
    'The place among all calls of steps of the attempt, from 0; NULL where several ran at the same time, and for waits.';
COMMENT ON COLUMN agent_steps.fingerprint IS 'Stands for what the step was given; NULL where nothing is compared.';

CREATE OR REPLACE FUNCTION replay_task(id uuid, from_step text DEFAULT NULL, payload jsonb DEFAULT NULL) RETURNS uuid
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
    INSERT INTO agent_steps (task_id, name, seq, result, attempt, created_at, position, fingerprint)
    SELECT made, s.name, s.seq, s.result, 0, s.created_at, s.position, s.fingerprint FROM agent_steps s
    WHERE s.task_id = task.id AND s.created_at < until;
    RETURN made;
EXCEPTION WHEN unique_violation THEN
    RAISE EXCEPTION 'another task with the unique_key % waits or runs already', quote_literal(task.unique_key)
        USING ERRCODE = 'object_not_in_prerequisite_state', HINT = 'Wait for its end, or cancel it first.';
END
$$;

INSERT INTO oppspot_migrations (number, name, breaking, applied_at)
VALUES (26, 'step_order', false, oppspot_now());
