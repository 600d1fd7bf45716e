-- How many tasks an agent made of this one, by how they stand.
SELECT status, count(*)::integer AS tasks FROM agent_tasks WHERE parent_task_id = %(task_id)s GROUP BY status ORDER BY status
