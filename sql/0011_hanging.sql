-- Agents that were cut off and still run, as each runner says of itself: too many of them end it, and people
-- should see that coming.

SET LOCAL lock_timeout = '30s';

ALTER TABLE task_runners ADD COLUMN hanging integer NOT NULL DEFAULT 0;
COMMENT ON COLUMN task_runners.hanging IS
    'Agents that were cut off and still run, in threads or deaf to their cancellation.';

INSERT INTO oppspot_migrations (number, name, breaking, applied_at)
VALUES (11, 'hanging', false, oppspot_now());
