-- From the first claim to the last end, by the one clock, and how many did not complete.
SELECT count(*)::integer AS tasks, count(*) FILTER (WHERE status <> 'completed')::integer AS unfinished,
       extract(epoch FROM max(finished_at) - min(started_at))::float8 AS seconds
FROM agent_tasks WHERE requested_by IS NULL
