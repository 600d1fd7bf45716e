-- What a task said, as far as it is kept: events of its run. Tasks outside of runs leave none.
SELECT e.seq, e.type, e.attempt, e.created_at, e.data::text AS data
FROM agent_tasks t JOIN run_events e ON e.run_id = t.run_id AND e.task_id = t.id
WHERE t.id = %(task_id)s AND e.seq > %(after)s AND (%(attempt)s::integer IS NULL OR e.attempt = %(attempt)s::integer)
ORDER BY e.seq LIMIT %(limit)s
