-- Takes up to {limit} ready rows among those that may run now, where something is limited or paused, the
-- runner serves some task types only or lacks labels, or organisations share fairly. Reads one priority after the other,
-- each lane no further than it has room. Rows are locked in their order, no more of them than are asked for:
-- what another claim passes over because we hold it, we take. More are looked at, for those that others hold.
-- Then each row counts its place within every limit on it, so that lanes which share one take no more than
-- it allows. Tasks are counted in the running rows; see hold_limits for why two claims cannot both take the
-- last place.
-- `beside_slots`: only deliveries of notifications, else all but them.
-- `beside`: only rows of the lane of that task, which is claimed already, to share its batch.
-- `wary`: the runner met an agent type that it does not know and others do. It leaves such types alone here, and
-- claims in line again when nobody knows more than it.
-- The other rules of reading rows are those of `claim`.
WITH served AS MATERIALIZED (
    SELECT * FROM open_lanes WHERE (task_type = 'notification') = %(beside_slots)s AND (%(task_types)s::text[] IS NULL OR task_type = ANY (%(task_types)s::text[]))
      AND (task_type NOT LIKE 'health_check:%%' OR task_type = 'health_check:' || %(runner_id)s::bigint)
      AND labels <@ %(labels)s::text[]
      AND (NOT %(wary)s OR agent_type IS NULL OR agent_type = ANY (%(agent_types)s::text[]) OR NOT is_known_elsewhere(agent_type, task_type, labels))
      AND (%(beside)s::uuid IS NULL OR lane = (
          SELECT task_lane(t.task_type, t.agent_id, t.org_id) FROM agent_tasks t WHERE t.id = %(beside)s::uuid))
), running AS MATERIALIZED (
    SELECT t.task_type, t.agent_id, a.agent_type, coalesce(t.org_id, a.org_id) AS org_id, t.limit_key, t.n
    FROM (SELECT agent_id, org_id, task_type, limit_key, count(*) AS n FROM agent_tasks
          WHERE status = 'processing' AND (%(fair)s OR EXISTS (SELECT FROM task_limits))
          GROUP BY agent_id, org_id, task_type, limit_key) t
    LEFT JOIN ai_agents a ON a.id = t.agent_id
), own AS MATERIALIZED (
    -- An agent's own limits replace those that the code of its type brings.
    SELECT l.key AS agent_id, l.concurrency IS NOT NULL AS concurrency, l.rate IS NOT NULL AS rate
    FROM task_limits l WHERE l.scope = 'agent'
), busy AS MATERIALIZED (
    SELECT l.scope, l.key, sum(u.n) AS n
    FROM running u CROSS JOIN LATERAL limit_names(u.agent_id, u.agent_type, u.task_type, u.org_id) m
    JOIN task_limits l ON l.scope = m.scope AND l.key = m.key
    WHERE l.source <> 'code' OR NOT EXISTS (SELECT FROM own o WHERE o.agent_id = u.agent_id::text AND o.concurrency)
    GROUP BY 1, 2
), bound AS MATERIALIZED (
    SELECT s.lane, l.scope, l.key, r.kind, l.rate, r.room
    FROM served s CROSS JOIN LATERAL limit_names(s.agent_id, s.agent_type, s.task_type, s.org_id) m
    JOIN task_limits l ON l.scope = m.scope AND l.key = m.key
    LEFT JOIN busy b ON b.scope = l.scope AND b.key = l.key
    LEFT JOIN own o ON o.agent_id = s.agent_id::text AND l.source = 'code'
    CROSS JOIN LATERAL (
        SELECT 'concurrency' AS kind, l.concurrency - coalesce(b.n, 0) AS room
        WHERE l.concurrency IS NOT NULL AND o.concurrency IS NOT TRUE
        UNION ALL
        SELECT 'rate', limit_tokens(l) WHERE l.rate IS NOT NULL AND o.rate IS NOT TRUE) r
), turn AS MATERIALIZED (
    SELECT coalesce(current_setting('oppspot.limits_held', true) = 'true', false) AS ours
), lanes AS MATERIALIZED (
    SELECT s.lane, s.priority, s.org_id, coalesce(b.room, {limit}) AS room,
           coalesce(o.running, 0) AS running, coalesce(l.weight, 1) AS weight
    FROM served s
    LEFT JOIN (SELECT lane, min(room) AS room FROM bound GROUP BY lane) b ON b.lane = s.lane
    LEFT JOIN (SELECT org_id, sum(n) AS running FROM running GROUP BY org_id) o
        ON coalesce(o.org_id::text, '') = coalesce(s.org_id::text, '')
    LEFT JOIN task_limits l ON l.scope = 'org' AND l.key = s.org_id::text
    WHERE b.room IS NULL OR (b.room >= 1 AND (SELECT t.ours FROM turn t))
), line AS MATERIALIZED (
    SELECT x.*, row_number() OVER (ORDER BY x.priority DESC, x.share, x.ready_seq) AS place FROM (
        SELECT y.* FROM generate_series(10, 1, -1) AS p (priority) CROSS JOIN LATERAL (
            SELECT k.*, c.ready_seq, c.lane, p.priority, c.share FROM (
                SELECT r.ctid, r.ready_seq, l.lane, CASE WHEN %(fair)s THEN
                    (l.running + row_number() OVER (PARTITION BY l.org_id ORDER BY r.ready_seq)) / l.weight END AS share
                FROM lanes l CROSS JOIN LATERAL (
                    SELECT s.* FROM (
                        SELECT q.ctid, q.ready_seq FROM agent_tasks q
                        WHERE q.status = 'pending' AND NOT q.parked AND NOT q.blocked
                          AND task_lane(q.task_type, q.agent_id, q.org_id) = l.lane AND q.priority = p.priority
                          AND coalesce(q.needs_protocol, 0) <= %(protocol)s::integer
                          AND (%(beside)s::uuid IS NULL OR q.crash_count < 2)
                        ORDER BY q.ready_seq LIMIT 2 * {limit} + 30) s
                    LIMIT floor(l.room)) r
                WHERE l.priority >= p.priority
                ORDER BY share, r.ready_seq LIMIT 2 * {limit} + 30) c
            CROSS JOIN LATERAL (
                SELECT q.ctid, q.limit_key FROM agent_tasks q
                WHERE q.ctid = c.ctid AND q.status = 'pending' AND NOT q.parked AND NOT q.blocked
                LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED) k
            LIMIT {limit}) y
        LIMIT {limit}) x
), keys AS MATERIALIZED (
    SELECT d.limit_key, CASE WHEN (SELECT t.ours FROM turn t) THEN r.concurrency - coalesce((
        SELECT sum(u.n) FROM running u WHERE u.limit_key = d.limit_key), 0) ELSE 0 END AS room
    FROM (SELECT DISTINCT limit_key FROM line WHERE limit_key IS NOT NULL) d CROSS JOIN LATERAL (
        SELECT l.concurrency FROM task_limits l
        WHERE l.scope = 'key' AND l.key IN (d.limit_key, '*') AND l.concurrency IS NOT NULL
        ORDER BY l.key = '*' LIMIT 1) r
), crowded AS MATERIALIZED (
    SELECT c.ctid FROM (
        SELECT n.ctid, b.room, row_number() OVER (PARTITION BY b.scope, b.key, b.kind ORDER BY n.place) AS nth
        FROM line n JOIN bound b ON b.lane = n.lane
        UNION ALL
        SELECT n.ctid, k.room, row_number() OVER (PARTITION BY k.limit_key ORDER BY n.place)
        FROM line n JOIN keys k ON k.limit_key = n.limit_key) c
    WHERE c.nth > c.room
), chosen AS MATERIALIZED (
    SELECT n.ctid, n.lane FROM line n WHERE n.ctid NOT IN (SELECT c.ctid FROM crowded c)
), spent AS (
    UPDATE task_limits l SET tokens = limit_tokens(l) - s.n, refilled_at = greatest(l.refilled_at, oppspot_now())
    FROM (SELECT b.scope, b.key, count(*) AS n FROM chosen c JOIN bound b ON b.lane = c.lane
          WHERE b.kind = 'rate' GROUP BY 1, 2) s
    WHERE (l.scope, l.key) = (s.scope, s.key)
), claimed AS (
    UPDATE agent_tasks t SET
        status = 'processing', runner_id = %(runner_id)s, run_token = nextval('agent_tasks_run_token_seq'),
        attempt = t.attempt + 1, started_at = oppspot_now(), progress = NULL, held = t.crash_count >= 2,
        execution_id = CASE WHEN t.execution_id IS NOT NULL AND EXISTS (
            SELECT FROM agent_executions e
            WHERE e.id = t.execution_id AND e.task_id = t.id AND e.attempt = t.attempt + 1)
            THEN t.execution_id ELSE oppspot_uuid() END
    WHERE t.ctid = ANY (ARRAY(SELECT c.ctid FROM chosen c))
    RETURNING t.*
), road AS (
    -- When to look again: at once where keys are in the way, soon where it was another's turn, else with
    -- the next token.
    SELECT NOT EXISTS (SELECT FROM task_pauses) AND NOT EXISTS (SELECT FROM task_limits)
           AND NOT EXISTS (SELECT FROM required_labels l WHERE NOT l.labels <@ %(labels)s::text[]) AS open,
           %(wary)s AND EXISTS (SELECT FROM task_runners r
                                WHERE r.lease_until > oppspot_now() AND NOT r.agent_types <@ %(agent_types)s::text[]) AS others_know_more,
           ARRAY(SELECT k.limit_key FROM keys k
                 WHERE (SELECT t.ours FROM turn t) AND k.room < (SELECT count(*) FROM line n WHERE n.limit_key = k.limit_key)
                ) AS full_keys,
           CASE WHEN NOT (SELECT t.ours FROM turn t) AND (EXISTS (SELECT FROM bound) OR EXISTS (SELECT FROM keys)) THEN 0.01
                ELSE (SELECT min((1 - b.room) / b.rate) FROM bound b WHERE b.kind = 'rate' AND b.room < 1) END AS again_s
)
SELECT r.open AS road_open, r.others_know_more, r.full_keys, r.again_s::float8 AS again_s,
       c.id, c.run_token, c.attempt, c.task_type, c.priority, c.retry_count, c.max_retries, c.crash_count,
       c.stream_id, c.run_id, c.execution_id, c.unique_key, c.requested_by, c.replay_of, c.traceparent, c.created_at, c.started_at,
       c.ready_seq, c.payload::text AS payload, coalesce(c.org_id, a.org_id) AS org_id, c.org_id AS task_org_id,
       (extract(epoch FROM c.started_at - greatest(c.scheduled_for, c.created_at)) * 1000)::bigint AS wait_ms,
       c.limit_key, c.agent_id, a.org_id AS agent_org_id, a.name AS agent_name, a.agent_type,
       a.configuration::text AS configuration, a.is_active, a.schedule_timezone
FROM road r LEFT JOIN claimed c ON true LEFT JOIN ai_agents a ON a.id = c.agent_id
ORDER BY c.priority DESC, c.ready_seq
