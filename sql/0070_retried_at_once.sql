-- Who has mended the cause of an error need not wait for the back-off: retry_task makes such a task due at once.
--
-- An attempt that ended with an error and comes back has failed; one that was put off by its agent (for a time, for an
-- event, for its children, for money) was cancelled. So the row of the last attempt says which of both a task waits for.

SET LOCAL lock_timeout = '30s';

CREATE FUNCTION backs_off(task agent_tasks) RETURNS boolean
LANGUAGE sql STABLE SET search_path FROM CURRENT AS
$$
    SELECT ($1).status = 'pending' AND ($1).parked AND ($1).scheduled_for > oppspot_now() AND EXISTS (
        SELECT FROM agent_executions e
        WHERE e.task_id = ($1).id AND e.attempt = ($1).attempt AND e.status = 'failed')
$$;
COMMENT ON FUNCTION backs_off(agent_tasks) IS
    'Whether a task waits for nothing but the time after the error of its last attempt.';

-- As before, and for tasks that back off. They keep their counts: it is the same series of attempts. Who wakes the
-- runners is agent_tasks_by_hand.
CREATE OR REPLACE FUNCTION retry_task(id uuid) RETURNS boolean
LANGUAGE plpgsql SET search_path FROM CURRENT AS
$$
DECLARE
    task agent_tasks;
    why text;
BEGIN
    SELECT t.* INTO task FROM agent_tasks t WHERE t.id = retry_task.id FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'there is no task %', coalesce(retry_task.id::text, 'NULL') USING ERRCODE = 'no_data_found',
            HINT = 'Completed and cancelled tasks are deleted after their retention.';
    END IF;
    IF backs_off(task) THEN
        UPDATE agent_tasks t SET scheduled_for = oppspot_now() WHERE t.id = task.id;
        RETURN true;
    END IF;
    IF task.status IN ('pending', 'processing') THEN
        why := CASE WHEN task.parked AND task.scheduled_for > oppspot_now() THEN coalesce(
            (SELECT 'its agent waits for ' || w.waits_for FROM waiting_tasks w WHERE w.task_id = task.id),
            format(CASE WHEN task.attempt = 0 THEN 'it was never tried, and is due at %s'
                        ELSE 'it was put off without an error, and is due at %s' END, task.scheduled_for)) END;
        RAISE NOTICE 'task % is %: nothing to retry%', task.id, task.status, coalesce('; ' || why, '');
        RETURN false;
    END IF;
    UPDATE agent_tasks t SET status = 'pending', retry_count = 0, crash_count = 0, scheduled_for = oppspot_now()
    WHERE t.id = task.id;
    RETURN true;
EXCEPTION WHEN unique_violation THEN
    RAISE EXCEPTION 'another task with the unique_key % waits or runs already', quote_literal(task.unique_key)
        USING ERRCODE = 'object_not_in_prerequisite_state', HINT = 'Wait for its end, or cancel it first.';
END
$$;
COMMENT ON FUNCTION retry_task(uuid) IS
    'Puts an ended task in line again with all its retries, and makes one due at once that waits after an error; false when there is nothing to retry.';

INSERT INTO oppspot_migrations (number, name, breaking, applied_at)
VALUES (70, 'retried_at_once', false, oppspot_now());
