-- By hand means with all retries again; the trigger on agent_tasks does the rest.
SELECT retry_task(%(task_id)s::uuid) AS done
