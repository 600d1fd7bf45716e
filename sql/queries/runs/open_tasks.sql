-- How many of these tasks of a run are still to end, and how the run stands.
SELECT r.status, (SELECT count(*) FROM agent_tasks t
                  WHERE t.id = ANY (%(tasks)s) AND t.status IN ('pending', 'processing'))::integer AS open_tasks
FROM stream_runs r WHERE r.id = %(run_id)s
