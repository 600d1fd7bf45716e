-- Puts back what dead runners left. Dead: the lease ran out, or the session that held the runner's
-- lock is gone and its heart missed a beat (the lock alone proves nothing: a living runner can lose
-- its listening session). A missing runner row counts as dead. The first crashes cost nothing but
-- time; the third ends the task: work that kills its runner must not take down the fleet. What a runner
-- said of the culprit before it died (see blame) is what people read. A task that
-- was only held had not begun: it had no part in the death, and the attempt gets its number back. One whose body
-- runs elsewhere had no part in it either; while a living runner has the backend of that body, it is left to be
-- adopted.
-- Lost rows are looked for between the ids of living runners: what those have ended stays in the index as
-- long as somebody holds an old snapshot, and would be read at every poll. They are found before they
-- are put in order: together, a plan may walk the whole key; for the status instead of the token it may
-- walk the index of all that run (see hold). They keep their order in line: their new places are drawn
-- before a join could mix them.
-- A runner looks after those that live next after it, in the order of ids and round in a circle, with all dead rows
-- and all gaps between them: 20, so that everybody is looked after by 20, and what all of them read does not grow
-- with the square of their number. Where all 20 died there may be more behind them: it looks again at once.
WITH ahead AS MATERIALIZED (
    SELECT r.id FROM task_runners r WHERE r.id > %(runner_id)s::bigint AND r.lease_until > oppspot_now()
    ORDER BY r.id LIMIT 20
), around AS MATERIALIZED (
    SELECT r.id FROM task_runners r WHERE r.id < %(runner_id)s::bigint AND r.lease_until > oppspot_now()
    ORDER BY r.id LIMIT (SELECT 20 - count(*) FROM ahead)
), reached AS MATERIALIZED (
    SELECT (SELECT count(*) FROM ahead) + (SELECT count(*) FROM around) = 20 AS is_far,
           (SELECT max(id) FROM ahead) AS ahead, (SELECT max(id) FROM around) AS around
), stretches AS MATERIALIZED (
    SELECT CASE WHEN is_far THEN %(runner_id)s::bigint ELSE -9223372036854775807 END AS above,
           CASE WHEN is_far AND around IS NULL THEN ahead + 1 ELSE 9223372036854775807 END AS below
    FROM reached
    UNION ALL
    SELECT -9223372036854775807, around + 1 FROM reached WHERE is_far AND around IS NOT NULL
), watched AS MATERIALIZED (
    SELECT r.id, r.host, r.pid, r.lease_until <= oppspot_now() AS lapsed,
           r.beat_at + make_interval(secs => r.beat_s * 1.2) AS suspect_at,
           CASE WHEN r.lease_until > oppspot_now() AND r.lock_key IS NOT NULL
                THEN pg_try_advisory_xact_lock(r.lock_key) ELSE false END AS unlocked
    FROM stretches s CROSS JOIN LATERAL (SELECT * FROM task_runners t WHERE t.id > s.above AND t.id < s.below AND t.id <> %(runner_id)s::bigint OFFSET 0) r
), dead AS MATERIALIZED (
    SELECT id, host, pid FROM watched WHERE lapsed OR (unlocked AND suspect_at <= oppspot_now())
), deposed AS (
    UPDATE task_runners r SET lease_until = least(r.lease_until, oppspot_now()), waiting = false
    FROM dead d WHERE r.id = d.id AND (r.lease_until > oppspot_now() OR r.waiting)
), alive AS MATERIALIZED (
    SELECT w.id FROM watched w WHERE w.id NOT IN (SELECT id FROM dead) UNION ALL SELECT %(runner_id)s::bigint
), elsewhere AS MATERIALIZED (
    SELECT b.run_token, h.companions = '{}' AND EXISTS (
        SELECT FROM task_runners r
        WHERE h.backend = ANY (r.backends) AND r.lease_until > oppspot_now() AND r.id NOT IN (SELECT id FROM dead)) AS cared_for
    FROM task_handoffs h CROSS JOIN LATERAL unnest(h.run_token || h.companion_tokens) b (run_token)
), lost AS MATERIALIZED (
    SELECT t.id, t.runner_id, t.ready_seq, coalesce(t.execution_id, oppspot_uuid()) AS execution_id,
           CASE WHEN t.held THEN 0 ELSE 1 END AS begun,
           CASE WHEN t.held OR t.run_token = ANY (ARRAY(SELECT run_token FROM elsewhere)) THEN 0 ELSE 1 END AS crashes
    FROM agent_tasks t
    WHERE t.run_token IS NOT NULL AND t.runner_id <> ALL (ARRAY(SELECT id FROM alive)) AND t.ctid = ANY (ARRAY(
        SELECT p.ctid
        FROM (SELECT coalesce(lag(a.id) OVER (PARTITION BY s.above ORDER BY a.id), s.above) AS above, a.id AS below
              FROM stretches s CROSS JOIN LATERAL (
                  SELECT l.id FROM alive l WHERE l.id > s.above AND l.id < s.below
                  UNION ALL SELECT s.below) a) g
        CROSS JOIN LATERAL (
            SELECT q.ctid FROM agent_tasks q
            WHERE q.status = 'processing' AND q.runner_id > g.above AND q.runner_id < g.below
              AND q.run_token <> ALL (ARRAY(SELECT run_token FROM elsewhere WHERE cared_for))
            ORDER BY q.runner_id LIMIT 100) p
        LIMIT 100))
    ORDER BY t.id FOR NO KEY UPDATE OF t SKIP LOCKED
), placed AS MATERIALIZED (
    SELECT l.*, nextval('agent_tasks_ready_seq') AS place,
           (SELECT e.error_message FROM agent_executions e WHERE e.id = l.execution_id) AS blame
    FROM (SELECT * FROM lost ORDER BY ready_seq) l
), saved AS (
    UPDATE agent_tasks t SET
        status = CASE WHEN t.cancel_requested_at IS NOT NULL THEN 'cancelled'
                      WHEN t.crash_count + l.crashes >= 3 THEN 'failed' ELSE 'pending' END,
        error_message = CASE WHEN t.cancel_requested_at IS NOT NULL THEN t.cancel_reason
            WHEN t.crash_count + l.crashes >= 3 THEN format('the runner was lost three times while this task ran, last %%s%%s',
                coalesce('on ' || d.host || ' (pid ' || d.pid || ')', 'runner ' || t.runner_id), ': ' || l.blame)
            ELSE t.error_message END,
        crash_count = t.crash_count + l.crashes, run_token = NULL, runner_id = NULL, parked = false, progress = NULL,
        attempt = t.attempt - 1 + l.begun, execution_id = CASE WHEN l.begun = 0 THEN t.execution_id END,
        deadline_at = NULL, held = false, ready_seq = l.place,
        finished_at = CASE WHEN t.cancel_requested_at IS NOT NULL OR t.crash_count + l.crashes >= 3 THEN oppspot_now() END
    FROM placed l LEFT JOIN dead d ON d.id = l.runner_id
    WHERE t.id = l.id
    RETURNING t.id, t.agent_id, t.org_id, t.stream_id, t.run_id, t.attempt, t.status, t.started_at,
              l.runner_id, l.execution_id, l.begun, l.blame, d.host, d.pid
), tallied AS (
    INSERT INTO task_tallies (status, n) SELECT status, count(*) FROM saved WHERE status = 'cancelled' GROUP BY status
), written AS (
    INSERT INTO agent_executions (id, task_id, attempt, agent_id, org_id, stream_id, status, started_at, completed_at,
        duration_ms, error_message, runner_id)
    SELECT s.execution_id, s.id, s.attempt, s.agent_id, coalesce(s.org_id, a.org_id), s.stream_id, 'failed', s.started_at, oppspot_now(),
        least(extract(epoch FROM oppspot_now() - s.started_at) * 1000, 2147483647)::integer,
        coalesce(s.blame,
            format('the runner %%s was lost', coalesce('on ' || s.host || ' (pid ' || s.pid || ')', s.runner_id::text))),
        s.runner_id
    FROM saved s LEFT JOIN ai_agents a ON a.id = s.agent_id
    WHERE s.begun = 1
    ON CONFLICT (task_id, attempt) WHERE task_id IS NOT NULL DO UPDATE SET
        status = excluded.status, completed_at = excluded.completed_at, duration_ms = excluded.duration_ms,
        error_message = excluded.error_message
)
SELECT s.id, s.status, s.run_id, s.agent_id, s.runner_id, w.next_s
FROM (SELECT CASE WHEN count(*) FILTER (WHERE suspect_at <= oppspot_now()) = 20 THEN 0
             ELSE extract(epoch FROM min(suspect_at) FILTER (WHERE suspect_at > oppspot_now()) - oppspot_now())::float8 END AS next_s
      FROM watched WHERE unlocked AND NOT lapsed) w
LEFT JOIN saved s ON true
