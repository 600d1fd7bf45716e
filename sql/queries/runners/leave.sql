-- A runner that ends in order takes its row with it, unless tasks still name it: rescue needs the row.
DELETE FROM task_runners r WHERE r.id = %(runner_id)s
  AND NOT EXISTS (SELECT FROM agent_tasks t WHERE t.runner_id = r.id AND t.status = 'processing')
