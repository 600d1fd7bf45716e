-- Nothing that may run here is due or running, by anybody; retries of such tasks count, tasks that
-- people scheduled for later, and paused ones, do not. Running rows are asked for in the order of their
-- index: without it a plan reads the table when statistics are older than the last burst.
SELECT coalesce(
    (SELECT false FROM agent_tasks
     WHERE status = 'processing' AND (%(task_types)s::text[] IS NULL OR task_type = ANY (%(task_types)s::text[]))
     ORDER BY runner_id LIMIT 1),
    (SELECT false FROM open_lanes
     WHERE %(task_types)s::text[] IS NULL OR task_type = ANY (%(task_types)s::text[]) LIMIT 1),
    (SELECT false FROM agent_tasks
     WHERE status = 'pending' AND blocked AND (%(task_types)s::text[] IS NULL OR task_type = ANY (%(task_types)s::text[]))
     ORDER BY limit_key LIMIT 1),
    NOT EXISTS (
        SELECT FROM agent_tasks
        WHERE status = 'pending' AND parked AND (retry_count > 0 OR scheduled_for <= oppspot_now())
          AND (%(task_types)s::text[] IS NULL OR task_type = ANY (%(task_types)s::text[])))) AS drained
