-- Messages go with the tasks that delivered them.
DELETE FROM notifications n WHERE n.ctid = ANY (ARRAY(
    SELECT o.ctid FROM notifications o
    WHERE o.task_id IS NOT NULL AND NOT EXISTS (SELECT FROM agent_tasks t WHERE t.id = o.task_id) LIMIT 1000))
