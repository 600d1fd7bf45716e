-- Says on a task that is still ours what it did to its runner; the rescue that follows keeps it.
UPDATE agent_tasks SET error_message = %(error)s WHERE id = %(task_id)s AND run_token = %(run_token)s
