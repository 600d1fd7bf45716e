-- How many tasks hold no slot because their agents wait, by what they wait for.
SELECT kind, count(*)::integer AS tasks FROM waiting_tasks GROUP BY kind ORDER BY kind
