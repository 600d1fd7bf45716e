-- Nothing that may run here is due or running, by anybody; retries of such tasks count, tasks that
-- people scheduled for later do not.
SELECT NOT EXISTS (
    SELECT FROM agent_tasks
    WHERE (%(task_types)s::text[] IS NULL OR task_type = ANY (%(task_types)s::text[]))
      AND (status = 'processing'
           OR (status = 'pending' AND (NOT parked OR retry_count > 0 OR scheduled_for <= oppspot_now())))
) AS drained
