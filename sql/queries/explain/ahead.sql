-- How many tasks a claim would meet before this one: walks the lanes as claims do, and stops to count
-- at a bound, so that a million rows in front cost no more than that.
WITH RECURSIVE me AS MATERIALIZED (
    SELECT t.priority, t.ready_seq FROM agent_tasks t WHERE t.id = %(task_id)s
), walk AS (
    (SELECT task_lane(t.task_type, t.agent_id, t.org_id) AS lane, t.task_type, t.agent_id, t.org_id
     FROM agent_tasks t WHERE t.status = 'pending' AND NOT t.parked
     ORDER BY task_lane(t.task_type, t.agent_id, t.org_id) DESC LIMIT 1)
    UNION ALL
    SELECT n.* FROM walk w CROSS JOIN LATERAL (
        SELECT task_lane(t.task_type, t.agent_id, t.org_id) AS lane, t.task_type, t.agent_id, t.org_id
        FROM agent_tasks t WHERE t.status = 'pending' AND NOT t.parked
          AND task_lane(t.task_type, t.agent_id, t.org_id) < w.lane
        ORDER BY task_lane(t.task_type, t.agent_id, t.org_id) DESC LIMIT 1) n
), lanes AS MATERIALIZED (
    SELECT w.lane FROM walk w LEFT JOIN ai_agents a ON a.id = w.agent_id
    WHERE NOT EXISTS (
        SELECT FROM task_pauses p
        WHERE (p.scope = 'agent' AND p.key = w.agent_id::text)
           OR (p.scope = 'type' AND p.key IN (w.task_type, a.agent_type))
           OR (p.scope = 'org' AND p.key = coalesce(w.org_id, a.org_id)::text))
)
SELECT count(*)::integer AS ahead FROM (
    SELECT FROM me CROSS JOIN lanes l CROSS JOIN LATERAL (
        (SELECT FROM agent_tasks q
         WHERE q.status = 'pending' AND NOT q.parked
           AND task_lane(q.task_type, q.agent_id, q.org_id) = l.lane AND q.priority > me.priority LIMIT %(most)s)
        UNION ALL
        (SELECT FROM agent_tasks q
         WHERE q.status = 'pending' AND NOT q.parked
           AND task_lane(q.task_type, q.agent_id, q.org_id) = l.lane AND q.priority = me.priority
           AND q.ready_seq < me.ready_seq LIMIT %(most)s)) before
    LIMIT %(most)s) seen
