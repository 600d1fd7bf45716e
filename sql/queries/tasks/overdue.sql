-- Whether work is left lying: for how long the task that is due longest has waited among those that
-- a runner with a free slot may take, and whether any attempt was begun or ended of late. Walks the
-- lanes as claims do and looks at the first task of each, so a million rows cost no more than one.
WITH RECURSIVE walk AS (
    (SELECT task_lane(t.task_type, t.agent_id, t.org_id) AS lane, t.priority, t.task_type, t.agent_id, t.org_id
     FROM agent_tasks t WHERE t.status = 'pending' AND NOT t.parked
     ORDER BY task_lane(t.task_type, t.agent_id, t.org_id), t.priority LIMIT 1)
    UNION ALL
    SELECT n.* FROM walk w CROSS JOIN LATERAL (
        SELECT task_lane(t.task_type, t.agent_id, t.org_id) AS lane, t.priority, t.task_type, t.agent_id, t.org_id
        FROM agent_tasks t WHERE t.status = 'pending' AND NOT t.parked
          AND (task_lane(t.task_type, t.agent_id, t.org_id), t.priority) > (w.lane, w.priority)
        ORDER BY task_lane(t.task_type, t.agent_id, t.org_id), t.priority LIMIT 1) n
), free AS MATERIALIZED (
    SELECT r.task_types FROM task_runners r
    WHERE r.lease_until > oppspot_now() AND r.state = 'running' AND r.slots > (
        SELECT count(*) FROM agent_tasks t WHERE t.runner_id = r.id AND t.status = 'processing')
), due AS (
    SELECT q.since FROM walk w LEFT JOIN ai_agents a ON a.id = w.agent_id
    CROSS JOIN LATERAL (
        SELECT greatest(t.scheduled_for, t.created_at) AS since FROM agent_tasks t
        WHERE t.status = 'pending' AND NOT t.parked AND t.priority = w.priority
          AND task_lane(t.task_type, t.agent_id, t.org_id) = w.lane
        ORDER BY t.ready_seq LIMIT 1) q
    WHERE EXISTS (SELECT FROM free f WHERE f.task_types IS NULL OR w.task_type = ANY (f.task_types))
      AND NOT EXISTS (
          SELECT FROM task_pauses p
          WHERE (p.scope = 'agent' AND p.key = w.agent_id::text)
             OR (p.scope = 'type' AND p.key IN (w.task_type, a.agent_type))
             OR (p.scope = 'org' AND p.key = coalesce(w.org_id, a.org_id)::text))
    UNION ALL
    (SELECT t.scheduled_for FROM agent_tasks t
     WHERE t.status = 'pending' AND t.parked AND t.scheduled_for <= oppspot_now() AND EXISTS (SELECT FROM free)
     ORDER BY t.scheduled_for LIMIT 1)
)
SELECT coalesce(extract(epoch FROM oppspot_now() - min(since)), 0)::float8 AS waiting_s,
       EXISTS (SELECT FROM agent_executions e
               WHERE e.created_at > oppspot_now() - make_interval(secs => %(lately_s)s))
       OR EXISTS (SELECT FROM agent_tasks t WHERE t.status = 'processing'
                  AND t.started_at > oppspot_now() - make_interval(secs => %(lately_s)s)) AS moving
FROM due
