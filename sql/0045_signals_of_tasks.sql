-- Which signals a task brought: a runner may die between writing one and noting it.

SET LOCAL lock_timeout = '30s';

CREATE INDEX buying_signals_task_idx ON buying_signals (task_id) WHERE task_id IS NOT NULL;

INSERT INTO oppspot_migrations (number, name, breaking, applied_at)
VALUES (45, 'signals_of_tasks', false, oppspot_now());
