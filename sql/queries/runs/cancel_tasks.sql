-- Every open task of a run, in one order; what they would have started is skipped by their ends.
SELECT t.id, t.status, cancel_task(t.id, %(reason)s::text) AS done
FROM (SELECT x.id, x.status FROM agent_tasks x
      WHERE x.run_id = %(run_id)s AND x.status IN ('pending', 'processing') AND x.cancel_requested_at IS NULL
      ORDER BY x.id) t
