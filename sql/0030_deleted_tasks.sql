-- What deleting a task that had not ended means for others: its children are cancelled, for nobody would read
-- what they make, and a parent that waits for it is woken.

SET LOCAL lock_timeout = '30s';

CREATE OR REPLACE FUNCTION agent_tasks_deleted() RETURNS trigger
LANGUAGE plpgsql SET search_path FROM CURRENT AS
$$
BEGIN
    PERFORM cancel_children(ARRAY[OLD.id], 'its parent was deleted');
    IF OLD.run_id IS NOT NULL THEN
        PERFORM settle_run_nodes(ARRAY[OLD.run_id], ARRAY[OLD.agent_id], ARRAY['cancelled'], ARRAY[NULL::uuid]);
    END IF;
    IF OLD.parent_task_id IS NOT NULL THEN
        PERFORM pg_notify('oppspot_wake', current_schema() || '/waits');
    END IF;
    RETURN NULL;
END
$$;
-- One that was never begun has no children: many of those are deleted without a call for each.
CREATE OR REPLACE TRIGGER agent_tasks_deleted AFTER DELETE ON agent_tasks FOR EACH ROW
WHEN (OLD.status IN ('pending', 'processing')
      AND (OLD.attempt > 0 OR OLD.run_id IS NOT NULL OR OLD.parent_task_id IS NOT NULL))
EXECUTE FUNCTION agent_tasks_deleted();

INSERT INTO oppspot_migrations (number, name, breaking, applied_at)
VALUES (30, 'deleted_tasks', false, oppspot_now());
