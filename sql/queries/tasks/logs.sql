-- What the agent of a task wrote while it ran, the newest lines of it, the first one first.
SELECT l.* FROM (
    SELECT v.seq, v.attempt, v.created_at, v.data ->> 'level' AS level, v.data ->> 'message' AS message
    FROM run_events v
    WHERE v.run_id = %(run_id)s AND v.task_id = %(task_id)s AND v.type = 'log'
    ORDER BY v.seq DESC LIMIT %(most)s) l
ORDER BY l.seq
