-- What became of a call whose end was unknown, said by somebody who looked.

-- Done: the step remembers the answer. Not done: the next attempt makes the call, with the key that it had.
CREATE FUNCTION settle_tool_call(id uuid, done boolean, step text DEFAULT NULL, result jsonb DEFAULT NULL) RETURNS text
LANGUAGE plpgsql SET search_path FROM CURRENT AS
$$
DECLARE
    task agent_tasks;
    open tool_calls[];
    call tool_calls;
BEGIN
    SELECT t.* INTO task FROM agent_tasks t WHERE t.id = $1 FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'there is no task %', coalesce($1::text, 'NULL') USING ERRCODE = 'no_data_found';
    ELSIF task.status = 'processing' THEN
        RAISE EXCEPTION 'task % is running: the call may be on its way', task.id
            USING ERRCODE = 'object_not_in_prerequisite_state', HINT = 'Wait for the end of the attempt.';
    END IF;
    open := ARRAY(SELECT c FROM tool_calls c WHERE c.task_id = task.id AND c.key IS NOT NULL AND c.ended_at IS NULL
        AND ($3 IS NULL OR $3 IN (c.step, c.step || ':' || c.seq)) ORDER BY c.started_at FOR UPDATE);
    IF cardinality(open) = 0 THEN
        RAISE EXCEPTION 'task % has no call% whose end is unknown', task.id, coalesce(' ' || quote_literal($3), '')
            USING ERRCODE = 'no_data_found';
    ELSIF cardinality(open) > 1 THEN
        RAISE EXCEPTION 'task % has several calls whose end is unknown', task.id
            USING ERRCODE = 'too_many_rows', HINT = 'Say which: ' || (SELECT string_agg(o.step || CASE WHEN o.seq > 0
                THEN ':' || o.seq ELSE '' END, ', ' ORDER BY o.started_at) FROM unnest(open) o) || '.';
    END IF;
    call := open[1];
    IF done THEN
        INSERT INTO agent_steps (task_id, name, seq, attempt, result)
        VALUES (task.id, call.step, call.seq, task.attempt, jsonb_build_object(
            'success', true, 'result', settle_tool_call.result, 'tool_name', call.tool,
            'timestamp', to_char(oppspot_now() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')));
        UPDATE tool_calls c SET ended_at = oppspot_now() WHERE c.id = call.id;
    ELSE
        UPDATE tool_calls c SET code = 'REPEAT' WHERE c.id = call.id;
    END IF;
    RETURN call.step || CASE WHEN call.seq > 0 THEN ':' || call.seq ELSE '' END;
END
$$;
COMMENT ON FUNCTION settle_tool_call(uuid, boolean, text, jsonb) IS
    'Says of a call of a task that must not be made twice, and whose end is unknown, whether it was made; its step.';

INSERT INTO oppspot_migrations (number, name, breaking, applied_at)
VALUES (32, 'settled_calls', false, oppspot_now());
