-- What the attempts of a run cost, as far as it is known.
SELECT sum(CASE jsonb_typeof(e.metrics -> 'cost_usd') WHEN 'number' THEN (e.metrics ->> 'cost_usd')::numeric END) AS cost_usd
FROM agent_tasks t JOIN agent_executions e ON e.task_id = t.id
WHERE t.run_id = %(run_id)s
