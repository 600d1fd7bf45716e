-- Bodies elsewhere that ended, or whose runner is gone, are found by themselves: until now every look of every runner
-- read all bodies, and the task of each.

SET LOCAL lock_timeout = '30s';

-- The body of a task is found by both: its runner is known, or it has none. An index of the task alone would cost a
-- runner that leaves its bodies, or adopts others, two more pages for each.
DROP INDEX task_handoffs_task;
CREATE INDEX task_handoffs_runner ON task_handoffs (runner_id, task_id);
CREATE INDEX task_handoffs_ended ON task_handoffs (ended_at) WHERE ended_at IS NOT NULL;

INSERT INTO oppspot_migrations (number, name, breaking, applied_at)
VALUES (69, 'left_bodies', false, oppspot_now());
