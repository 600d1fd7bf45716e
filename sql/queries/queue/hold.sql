-- The fence before save_results: locks the task's row if it is still this attempt's.
SELECT id FROM agent_tasks
WHERE id = %(task_id)s AND run_token = %(run_token)s AND status = 'processing' FOR NO KEY UPDATE
