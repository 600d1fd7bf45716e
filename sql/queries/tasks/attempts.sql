-- Every attempt of a task that history still has, the first one first, with where it ran as long as its
-- runner's row is there; what is known of a runner that was lost is in the attempt's own error. OFFSET: runners are
-- looked up, where a planner that expects many attempts would read them all.
SELECT e.id, e.attempt, e.status, e.started_at, e.completed_at, e.duration_ms, e.error_message,
       e.output_data::text AS output_data, e.results_summary::text AS results_summary, e.metrics::text AS metrics,
       e.runner_id, r.host, r.pid
FROM agent_executions e
LEFT JOIN LATERAL (SELECT r.host, r.pid FROM task_runners r WHERE r.id = e.runner_id OFFSET 0) r ON true
WHERE e.task_id = %(task_id)s
ORDER BY e.attempt NULLS FIRST, e.id
