-- Takes up to {limit} ready rows while nothing is limited or paused: strict priority, then who became ready
-- first. `road_open` false: something is, or an agent asks for labels that the runner lacks; see claim_limited. A priority is read from its floor on, the
-- ready_seq below which the runner took all rows lately: dead entries, which stay as long as somebody holds
-- an old snapshot, are not read again and again.
-- `ctid = ANY (ARRAY(...))` is computed once, so the limit holds under any plan; the limit is a literal,
-- because a generic plan for a parameter reads a tenth of the table.
-- A health check for one runner is met by all and left to it, and deliveries of notifications are left to their
-- own place: there are never many. So is what demands a newer protocol, which is there for the time of an upgrade.
-- NO KEY: a transaction that inserts a row which refers to the task must not hide it.
-- Payloads travel as text: one that Python cannot read fails its own task, not the claim.
WITH road AS MATERIALIZED (
    SELECT NOT EXISTS (SELECT FROM task_pauses) AND NOT EXISTS (SELECT FROM task_limits)
           AND NOT EXISTS (SELECT FROM required_labels l WHERE NOT l.labels <@ %(labels)s::text[]) AS open
), claimed AS (
    UPDATE agent_tasks t SET
        status = 'processing', runner_id = %(runner_id)s, run_token = nextval('agent_tasks_run_token_seq'),
        attempt = t.attempt + 1, started_at = oppspot_now(), progress = NULL, held = t.crash_count >= 2,
        -- A promised id is taken over only with the row that promised it.
        execution_id = CASE WHEN t.execution_id IS NOT NULL AND EXISTS (
            SELECT FROM agent_executions e
            WHERE e.id = t.execution_id AND e.task_id = t.id AND e.attempt = t.attempt + 1)
            THEN t.execution_id ELSE oppspot_uuid() END
    WHERE t.ctid = ANY (ARRAY(
        SELECT x.ctid FROM unnest(%(floors)s::bigint[]) WITH ORDINALITY AS f (floor, place)
        CROSS JOIN LATERAL (
            SELECT q.ctid FROM agent_tasks q
            WHERE q.status = 'pending' AND NOT q.parked AND NOT q.blocked
              AND q.priority = 11 - f.place AND q.ready_seq > f.floor AND coalesce(q.needs_protocol, 0) <= %(protocol)s::integer
              AND q.task_type <> 'notification' AND (q.task_type NOT LIKE 'health_check:%%' OR q.task_type = 'health_check:' || %(runner_id)s::bigint)
            ORDER BY q.ready_seq LIMIT {limit} FOR NO KEY UPDATE SKIP LOCKED) x
        WHERE (SELECT r.open FROM road r) LIMIT {limit}))
    RETURNING t.*
)
SELECT r.open AS road_open, c.id, c.run_token, c.attempt, c.task_type, c.priority, c.retry_count, c.max_retries, c.crash_count,
       c.stream_id, c.run_id, c.execution_id, c.unique_key, c.requested_by, c.replay_of, c.traceparent, c.created_at, c.started_at,
       c.ready_seq, c.payload::text AS payload, coalesce(c.org_id, a.org_id) AS org_id, c.org_id AS task_org_id,
       (extract(epoch FROM c.started_at - greatest(c.scheduled_for, c.created_at)) * 1000)::bigint AS wait_ms,
       c.limit_key, c.agent_id, a.org_id AS agent_org_id, a.name AS agent_name, a.agent_type,
       a.configuration::text AS configuration, a.is_active, a.schedule_timezone
FROM road r LEFT JOIN claimed c ON true LEFT JOIN ai_agents a ON a.id = c.agent_id
ORDER BY c.priority DESC, c.ready_seq
