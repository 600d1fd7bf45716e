-- Of these tasks those that have not ended, in the one order in which tasks are locked.
SELECT t.id, cancel_task(t.id, %(reason)s::text) AS done
FROM (SELECT x.id FROM agent_tasks x
      WHERE x.id = ANY (%(ids)s::uuid[]) AND x.status IN ('pending', 'processing') ORDER BY x.id FOR NO KEY UPDATE) t
