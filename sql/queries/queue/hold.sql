-- The fence before save_results: locks the task's row if it is still this attempt's. The token says
-- that the row is processing (a CHECK); asked for as well, the status leads to the index of all
-- running rows instead of the key.
SELECT pg_current_xact_id()::text AS transaction FROM agent_tasks
WHERE id = %(task_id)s AND run_token = %(run_token)s AND runner_id = %(runner_id)s FOR NO KEY UPDATE
