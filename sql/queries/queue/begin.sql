-- A task that runs alone begins: from now on a death of its runner counts against it.
UPDATE agent_tasks SET held = false, started_at = oppspot_now()
WHERE id = %(task_id)s AND run_token = %(run_token)s
