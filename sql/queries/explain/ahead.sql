-- How many tasks a claim would meet before this one: walks the lanes as claims do, and stops to count
-- at a bound, so that a million rows in front cost no more than that.
WITH me AS MATERIALIZED (
    SELECT t.priority, t.ready_seq FROM agent_tasks t WHERE t.id = %(task_id)s
)
SELECT count(*)::integer AS ahead FROM (
    SELECT FROM me CROSS JOIN open_lanes l CROSS JOIN LATERAL (
        (SELECT FROM agent_tasks q
         WHERE q.status = 'pending' AND NOT q.parked AND NOT q.blocked
           AND task_lane(q.task_type, q.agent_id, q.org_id) = l.lane AND q.priority > me.priority LIMIT %(most)s)
        UNION ALL
        (SELECT FROM agent_tasks q
         WHERE q.status = 'pending' AND NOT q.parked AND NOT q.blocked
           AND task_lane(q.task_type, q.agent_id, q.org_id) = l.lane AND q.priority = me.priority
           AND q.ready_seq < me.ready_seq LIMIT %(most)s)) before
    LIMIT %(most)s) seen
