-- Failed tasks get in line again with all their retries; the trigger on agent_tasks does the rest. A
-- unique key lets only one task wait: of several the newest goes, and none while another is open. Tasks,
-- their children that come back with them, runs with a pace, then nodes are locked in the one order before the
-- trigger reopens the first.
WITH RECURSIVE failed AS MATERIALIZED (
    SELECT t.id, t.unique_key, t.run_id FROM agent_tasks t
    WHERE t.id = ANY (%(ids)s::uuid[]) AND t.status = 'failed'
    ORDER BY t.id FOR NO KEY UPDATE
), family AS (
    SELECT f.id FROM failed f
    UNION
    SELECT c.id FROM family p JOIN agent_tasks c ON c.parent_task_id = p.id AND c.status IN ('processing', 'failed', 'cancelled')
), children AS MATERIALIZED (
    SELECT c.id FROM agent_tasks c
    WHERE c.id = ANY (ARRAY(SELECT id FROM family)) AND c.parent_task_id IS NOT NULL ORDER BY c.id FOR NO KEY UPDATE
), paced AS MATERIALIZED (
    SELECT r.id FROM stream_runs r
    WHERE (SELECT count(*) FROM children) >= 0 AND r.id = ANY (ARRAY(SELECT f.run_id FROM failed f)) AND (r.strategy <> 'event' OR r.max_parallel IS NOT NULL)
    ORDER BY r.id FOR NO KEY UPDATE
), nodes AS MATERIALIZED (
    SELECT n.agent_id FROM stream_run_nodes n
    WHERE (SELECT count(*) FROM paced) >= 0 AND n.run_id = ANY (ARRAY(SELECT f.run_id FROM failed f))
    ORDER BY n.run_id, n.agent_id FOR NO KEY UPDATE
), free AS MATERIALIZED (
    SELECT f.id
    FROM (SELECT id, unique_key, row_number() OVER (PARTITION BY unique_key ORDER BY id DESC) AS place FROM failed) f
    WHERE f.unique_key IS NULL OR (f.place = 1 AND NOT EXISTS (
        SELECT FROM agent_tasks o WHERE o.unique_key = f.unique_key AND o.status IN ('pending', 'processing')))
)
UPDATE agent_tasks t SET status = 'pending', retry_count = 0, crash_count = 0, scheduled_for = oppspot_now(),
    payload = coalesce(%(payload)s::jsonb, t.payload)
FROM free f WHERE t.id = f.id AND (SELECT count(*) FROM nodes) >= 0
RETURNING t.id
