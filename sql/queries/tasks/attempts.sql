-- Every attempt of a task that history still has, the first one first, with where it ran as long as its
-- runner's row is there; what is known of a runner that was lost is in the attempt's own error. OFFSET: runners are
-- looked up, where a planner that expects many attempts would read them all. A time that Python cannot hold, which only
-- rows of others have, is none: the rest of the task is still seen.
SELECT e.id, e.attempt, e.status, e.duration_ms, e.error_message,
       CASE WHEN e.started_at BETWEEN '0001-01-01Z' AND '9999-12-31Z' THEN e.started_at END AS started_at,
       CASE WHEN e.completed_at BETWEEN '0001-01-01Z' AND '9999-12-31Z' THEN e.completed_at END AS completed_at,
       e.output_data::text AS output_data, e.results_summary::text AS results_summary, e.metrics::text AS metrics,
       e.runner_id, r.host, r.pid
FROM agent_executions e
LEFT JOIN LATERAL (SELECT r.host, r.pid FROM task_runners r WHERE r.id = e.runner_id OFFSET 0) r ON true
WHERE e.task_id = %(task_id)s
ORDER BY e.attempt NULLS FIRST, e.id
