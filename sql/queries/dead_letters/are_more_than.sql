-- Whether there are more than so many failed tasks.
SELECT count(*) > %(number)s::integer AS more
FROM (SELECT FROM agent_tasks f WHERE f.status = 'failed' LIMIT %(number)s::integer + 1) f
