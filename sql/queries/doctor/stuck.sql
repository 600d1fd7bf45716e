-- What should have moved by itself and has not: tasks of runners that are gone, due tasks that nobody put
-- in line, and types that no live runner takes, each with one task of it. Every part is bounded.
WITH alive AS MATERIALIZED (
    SELECT r.task_types, 'health_check:' || r.id AS own FROM task_runners r WHERE r.lease_until > oppspot_now()
)
SELECT 'lost' AS kind, p.task_type, p.id, count(*) OVER ()::integer AS tasks
FROM (SELECT t.id, t.task_type FROM agent_tasks t
      WHERE t.status = 'processing' AND NOT EXISTS (
          SELECT FROM task_runners r
          WHERE r.id = t.runner_id AND r.lease_until > oppspot_now() - make_interval(secs => %(late_s)s))
      ORDER BY t.runner_id LIMIT 1000) p
UNION ALL
SELECT 'overdue', p.task_type, p.id, count(*) OVER ()::integer
FROM (SELECT t.id, t.task_type FROM agent_tasks t
      WHERE t.status = 'pending' AND t.parked AND t.scheduled_for < oppspot_now() - make_interval(secs => %(late_s)s)
      ORDER BY t.scheduled_for LIMIT 1000) p
UNION ALL
(SELECT DISTINCT ON (l.task_type) 'not served', l.task_type, q.id, NULL
 FROM open_lanes l CROSS JOIN LATERAL (
     SELECT t.id FROM agent_tasks t
     WHERE t.status = 'pending' AND NOT t.parked AND NOT t.blocked
       AND task_lane(t.task_type, t.agent_id, t.org_id) = l.lane AND t.priority = l.priority
     ORDER BY t.ready_seq LIMIT 1) q
 WHERE EXISTS (SELECT FROM alive)
   AND NOT EXISTS (
       SELECT FROM alive a WHERE l.task_type = a.own OR (l.task_type NOT LIKE 'health_check:%%' AND (
           a.task_types IS NULL OR l.task_type = ANY (a.task_types)))))
