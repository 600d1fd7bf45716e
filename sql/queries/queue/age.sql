-- Who waited long enough rises by one priority, so that a low one is not starved by ever new work above
-- it. Looks at the head of each lane and priority only, and of each of some keys whose tasks are out of line,
-- and takes a bounded number of each. A row that rises takes the end of its new line, and its time begins
-- anew.
WITH waiting AS MATERIALIZED (
    SELECT h.ctid, h.since FROM open_lanes w CROSS JOIN generate_series(1, least(w.priority, 9)) AS p (priority)
    CROSS JOIN LATERAL (
        SELECT q.ctid, coalesce(q.raised_at, greatest(q.created_at, q.scheduled_for)) AS since FROM agent_tasks q
        WHERE q.status = 'pending' AND NOT q.parked AND NOT q.blocked
          AND task_lane(q.task_type, q.agent_id, q.org_id) = w.lane AND q.priority = p.priority
        ORDER BY q.ready_seq LIMIT 100 FOR NO KEY UPDATE SKIP LOCKED) h
), blocked AS MATERIALIZED (
    SELECT h.ctid, h.since FROM unnest(%(keys)s::text[]) AS k (limit_key) CROSS JOIN LATERAL blocked_lanes(k.limit_key) w
    CROSS JOIN generate_series(1, 9) AS p (priority) CROSS JOIN LATERAL (
        SELECT q.ctid, coalesce(q.raised_at, greatest(q.created_at, q.scheduled_for)) AS since FROM agent_tasks q
        WHERE q.status = 'pending' AND NOT q.parked AND q.blocked
          AND q.limit_key = k.limit_key AND task_lane(q.task_type, q.agent_id, q.org_id) = w.lane AND q.priority = p.priority
        ORDER BY q.ready_seq LIMIT 100 FOR NO KEY UPDATE SKIP LOCKED) h
), raised AS (
    UPDATE agent_tasks t SET priority = t.priority + 1, raised_at = oppspot_now(),
        ready_seq = nextval('agent_tasks_ready_seq')
    WHERE t.ctid = ANY (ARRAY(
        SELECT o.ctid FROM (SELECT * FROM waiting UNION ALL SELECT * FROM blocked) o
        WHERE o.since < oppspot_now() - make_interval(secs => %(ageing_s)s)))
    RETURNING 1
)
SELECT count(*) AS raised FROM raised
