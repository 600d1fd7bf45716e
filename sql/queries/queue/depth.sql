-- How many tasks wait for each other above this one, itself counted; far enough to judge.
WITH RECURSIVE up AS (
    SELECT t.parent_task_id, 1 AS depth FROM agent_tasks t WHERE t.id = %(task_id)s
    UNION ALL
    SELECT t.parent_task_id, up.depth + 1 FROM up JOIN agent_tasks t ON t.id = up.parent_task_id WHERE up.depth < 100
)
SELECT max(depth) AS depth FROM up
