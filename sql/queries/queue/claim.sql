-- Takes up to {limit} ready rows: strict priority, then who became ready first, among the lanes that
-- may run. Walks the lanes backwards (one index probe each, which meets the lane's highest priority),
-- then reads one priority after the other until it has enough. `ctid = ANY (ARRAY(...))` is computed
-- once, so the limit holds under any plan; the limit is a literal, because a generic plan for a
-- parameter reads a tenth of the table.
-- NO KEY: a transaction that inserts a row which refers to the task must not hide it.
-- Payloads travel as text: one that Python cannot read fails its own task, not the claim.
WITH RECURSIVE walk AS (
    (SELECT task_lane(t.task_type, t.agent_id, t.org_id) AS lane, t.priority, t.task_type, t.agent_id, t.org_id
     FROM agent_tasks t WHERE t.status = 'pending' AND NOT t.parked
     ORDER BY task_lane(t.task_type, t.agent_id, t.org_id) DESC, t.priority DESC LIMIT 1)
    UNION ALL
    SELECT n.* FROM walk w CROSS JOIN LATERAL (
        SELECT task_lane(t.task_type, t.agent_id, t.org_id) AS lane, t.priority, t.task_type, t.agent_id, t.org_id
        FROM agent_tasks t WHERE t.status = 'pending' AND NOT t.parked
          AND task_lane(t.task_type, t.agent_id, t.org_id) < w.lane
        ORDER BY task_lane(t.task_type, t.agent_id, t.org_id) DESC, t.priority DESC LIMIT 1) n
), lanes AS MATERIALIZED (
    SELECT w.lane, w.priority FROM walk w LEFT JOIN ai_agents a ON a.id = w.agent_id
    WHERE (%(task_types)s::text[] IS NULL OR w.task_type = ANY (%(task_types)s::text[]))
      AND NOT EXISTS (
          SELECT FROM task_pauses p
          WHERE (p.scope = 'agent' AND p.key = w.agent_id::text)
             OR (p.scope = 'type' AND p.key IN (w.task_type, a.agent_type))
             OR (p.scope = 'org' AND p.key = coalesce(w.org_id, a.org_id)::text))
), claimed AS (
    UPDATE agent_tasks t SET
        status = 'processing', runner_id = %(runner_id)s, run_token = nextval('agent_tasks_run_token_seq'),
        attempt = t.attempt + 1, started_at = oppspot_now(), progress = NULL,
        -- A promised id is taken over only with the row that promised it.
        execution_id = CASE WHEN t.execution_id IS NOT NULL AND EXISTS (
            SELECT FROM agent_executions e
            WHERE e.id = t.execution_id AND e.task_id = t.id AND e.attempt = t.attempt + 1)
            THEN t.execution_id ELSE oppspot_uuid() END
    WHERE t.ctid = ANY (ARRAY(
        SELECT x.ctid FROM generate_series(10, 1, -1) AS p (priority)
        CROSS JOIN LATERAL (
            SELECT r.ctid FROM lanes l CROSS JOIN LATERAL (
                SELECT q.ctid, q.ready_seq FROM agent_tasks q
                WHERE q.status = 'pending' AND NOT q.parked
                  AND task_lane(q.task_type, q.agent_id, q.org_id) = l.lane AND q.priority = p.priority
                ORDER BY q.ready_seq LIMIT {limit} FOR NO KEY UPDATE SKIP LOCKED) r
            WHERE l.priority >= p.priority
            ORDER BY r.ready_seq LIMIT {limit}) x
        LIMIT {limit}))
    RETURNING t.*
)
SELECT c.id, c.run_token, c.attempt, c.task_type, c.priority, c.retry_count, c.max_retries, c.crash_count,
       c.stream_id, c.run_id, c.execution_id, c.unique_key, c.requested_by, c.created_at, c.started_at,
       c.ready_seq, c.payload::text AS payload, coalesce(c.org_id, a.org_id) AS org_id, c.org_id AS task_org_id,
       (extract(epoch FROM c.started_at - greatest(c.scheduled_for, c.created_at)) * 1000)::bigint AS wait_ms,
       c.agent_id, a.org_id AS agent_org_id, a.name AS agent_name, a.agent_type,
       a.configuration::text AS configuration, a.is_active
FROM claimed c LEFT JOIN ai_agents a ON a.id = c.agent_id
ORDER BY c.priority DESC, c.ready_seq
