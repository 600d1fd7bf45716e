-- Many small tallies become one for each status, once there are enough of them to be worth it.
WITH old AS (
    DELETE FROM task_tallies WHERE (SELECT count(*) FROM (SELECT FROM task_tallies LIMIT 100) few) = 100
    RETURNING status, n
)
INSERT INTO task_tallies (status, n) SELECT status, sum(n) FROM old GROUP BY status
