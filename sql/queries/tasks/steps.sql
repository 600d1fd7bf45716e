-- What a later attempt will not repeat; results may be large, so only their size is shown.
SELECT s.name, s.seq, s.attempt, s.created_at, pg_column_size(s.result) AS result_bytes
FROM agent_steps s WHERE s.task_id = %(task_id)s
ORDER BY s.created_at, s.name, s.seq
