-- By hand means with all retries again, and after an error at once; the trigger on agent_tasks does the rest.
SELECT retry_task(%(task_id)s::uuid) AS done
