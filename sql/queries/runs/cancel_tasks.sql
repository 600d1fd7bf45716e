-- Every open task of a run, in one order; what they would have started is skipped by their ends. All
-- tasks, then all nodes are locked before the first is cancelled: going from task to node to task would
-- meet a finish that goes the other way.
WITH open AS MATERIALIZED (
    SELECT x.id, x.status FROM agent_tasks x
    WHERE x.run_id = %(run_id)s AND x.status IN ('pending', 'processing') AND x.cancel_requested_at IS NULL
    ORDER BY x.id FOR NO KEY UPDATE
), nodes AS MATERIALIZED (
    SELECT n.agent_id FROM stream_run_nodes n
    WHERE n.run_id = %(run_id)s AND (SELECT count(*) FROM open) > 0
    ORDER BY n.agent_id FOR NO KEY UPDATE
)
SELECT o.id, o.status, cancel_task(o.id, %(reason)s::text) AS done
FROM open o WHERE (SELECT count(*) FROM nodes) >= 0
ORDER BY o.id
