-- Cancelled, not deleted: nothing is lost at once, `tasks retry` still takes it back, and the retention,
-- which counts from now, deletes it like any other. Runs of streams keep their nodes as failed.
UPDATE agent_tasks t SET status = 'cancelled', cancel_reason = %(reason)s, finished_at = oppspot_now()
FROM (SELECT x.id FROM agent_tasks x
      WHERE x.id = ANY (%(ids)s::uuid[]) AND x.status = 'failed' ORDER BY x.id FOR NO KEY UPDATE) f
WHERE t.id = f.id
RETURNING t.id
