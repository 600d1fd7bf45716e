-- Every attempt of a task that history still has, the first one first.
SELECT e.id, e.attempt, e.status, e.started_at, e.completed_at, e.duration_ms, e.error_message,
       e.output_data::text AS output_data, e.results_summary::text AS results_summary, e.metrics::text AS metrics, e.runner_id
FROM agent_executions e WHERE e.task_id = %(task_id)s
ORDER BY e.attempt NULLS FIRST, e.id
