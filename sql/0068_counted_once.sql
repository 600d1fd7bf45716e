-- task_runner_stats added its numbers up by counting everything once more: the total is now that of what was counted.

SET LOCAL lock_timeout = '30s';

CREATE OR REPLACE VIEW task_runner_stats AS
SELECT c.pending, c.processing, c.completed, c.failed, c.cancelled,
       c.pending + c.processing + c.completed + c.failed + c.cancelled AS total
FROM (SELECT (SELECT count(*) FROM agent_tasks WHERE status = 'pending' AND NOT parked AND NOT blocked)
             + (SELECT count(*) FROM agent_tasks WHERE status = 'pending' AND parked)
             + (SELECT count(*) FROM agent_tasks WHERE status = 'pending' AND blocked AND NOT parked) AS pending,
             (SELECT count(*) FROM agent_tasks WHERE status = 'processing') AS processing,
             CASE WHEN current_user = 'oppspot_api' THEN (SELECT count(*) FROM agent_tasks WHERE status = 'completed')
                  ELSE (SELECT coalesce(sum(n), 0)::bigint FROM task_tallies WHERE status = 'completed') END AS completed,
             (SELECT count(*) FROM agent_tasks WHERE status = 'failed') AS failed,
             CASE WHEN current_user = 'oppspot_api' THEN (SELECT count(*) FROM agent_tasks WHERE status = 'cancelled')
                  ELSE (SELECT coalesce(sum(n), 0)::bigint FROM task_tallies WHERE status = 'cancelled') END AS cancelled
      OFFSET 0) c;  -- else each use of a number counts it again

SELECT arrange_access();

INSERT INTO oppspot_migrations (number, name, breaking, applied_at)
VALUES (68, 'counted_once', false, oppspot_now());
