-- Whether work is left lying: for how long the task that is due longest has waited among those that
-- a runner with a free slot may take, and whether any attempt was begun or ended of late.
-- Deliveries of notifications do not count: they wait for each other and hold no slot. Walks the
-- lanes as claims do and looks at the first task of each, so a million rows cost no more than one. Attempts of late are
-- asked for as if all of them were wanted, though the first one is enough: for one alone a planner reads from the start
-- of the table, and where nothing happened of late to its end.
WITH lately AS MATERIALIZED (
    SELECT FROM agent_executions e WHERE e.created_at > oppspot_now() - make_interval(secs => %(lately_s)s)
), free AS MATERIALIZED (
    SELECT r.task_types, r.agent_types, r.labels, r.protocol FROM task_runners r
    WHERE r.lease_until > oppspot_now() AND r.state = 'running' AND r.slots > (
        SELECT CASE WHEN bool_or(t.crash_count >= 2) THEN r.slots ELSE count(*) END  -- it runs alone
        FROM agent_tasks t WHERE t.runner_id = r.id AND t.status = 'processing' AND t.task_type <> 'notification')
), due AS (
    SELECT q.since FROM open_lanes w CROSS JOIN generate_series(1, w.priority) AS p (priority)
    CROSS JOIN LATERAL (
        SELECT greatest(t.scheduled_for, t.created_at) AS since, coalesce(t.needs_protocol, 0) AS protocol FROM agent_tasks t
        WHERE t.status = 'pending' AND NOT t.parked AND NOT t.blocked AND t.priority = p.priority
          AND task_lane(t.task_type, t.agent_id, t.org_id) = w.lane
        ORDER BY t.ready_seq LIMIT 1) q
    WHERE w.task_type <> 'notification' AND EXISTS (
          SELECT FROM free f
          WHERE (f.task_types IS NULL OR w.task_type = ANY (f.task_types)) AND w.labels <@ f.labels AND q.protocol <= f.protocol
            AND (w.agent_type IS NULL OR coalesce(w.agent_type = ANY (f.agent_types), true)
                 OR NOT is_known_elsewhere(w.agent_type, w.task_type, w.labels)))
      -- What a limit holds back waits rightly.
      AND NOT EXISTS (
          SELECT FROM limit_names(w.agent_id, w.agent_type, w.task_type, w.org_id) n
          JOIN task_limits l ON l.scope = n.scope AND l.key = n.key)
    UNION ALL
    (SELECT t.scheduled_for FROM agent_tasks t
     WHERE t.status = 'pending' AND t.parked AND t.scheduled_for <= oppspot_now() AND EXISTS (SELECT FROM free)
     ORDER BY t.scheduled_for LIMIT 1)
)
SELECT coalesce(extract(epoch FROM oppspot_now() - min(since)), 0)::float8 AS waiting_s,
       EXISTS (SELECT FROM lately)
       OR EXISTS (SELECT FROM agent_tasks t WHERE t.status = 'processing'
                  AND t.started_at > oppspot_now() - make_interval(secs => %(lately_s)s)) AS moving
FROM due
