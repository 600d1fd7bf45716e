-- All that is known of a task, for one way to the server and one statement there: what most tasks have none of would
-- cost more to ask for than to find. The lists are JSON, of rows as the statements in braces find them.
SELECT task.*,
       (SELECT json_agg(a)::text FROM ({attempts}) a) AS attempts,
       (SELECT json_agg(s)::text FROM ({steps}) s) AS steps,
       (SELECT json_agg(r)::text FROM ({replays}) r) AS replays,
       (SELECT json_object_agg(c.status, c.tasks)::text FROM ({children}) c) AS children
FROM ({task}) task
