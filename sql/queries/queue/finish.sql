-- The end of attempts, many in one statement: rows whose token is still theirs change, and which no other runner
-- adopted; the others are not returned and nothing of theirs is written. Ids come sorted and are locked in that order,
-- found by the key and the token alone (see hold). Every step carries what the next one needs. That
-- the token is compared twice makes the planner expect few rows and look each up by its key: a hash
-- join would read the whole table for every batch. Arrays stand behind a SELECT so that their lengths
-- do not count: one plan serves all batches, and a small one is not planned for longer than it runs.
-- They travel in binary form, which costs the client a fifth of what quoting them does.
WITH given AS MATERIALIZED (
    SELECT * FROM unnest(
        (SELECT %(ids)b::uuid[]), (SELECT %(tokens)b::bigint[]), (SELECT %(statuses)b::text[]),
        (SELECT %(delays)b::float8[]), (SELECT %(untils)b::timestamptz[]), (SELECT %(retries)b::integer[]),
        (SELECT %(errors)b::text[]), (SELECT %(execution_statuses)b::text[]),
        (SELECT %(goals)b::text[]::jsonb[]), (SELECT %(outputs)b::text[]::jsonb[]),
        (SELECT %(summaries)b::text[]::jsonb[]), (SELECT %(metrics)b::text[]::jsonb[]),
        (SELECT %(durations)b::integer[]))
    AS g (id, token, status, delay_s, until, retries, error, execution_status,
          goal, output, summary, metrics, duration_ms)
), mine AS MATERIALIZED (
    -- Whoever asked for an end gets it, also when the attempt itself wanted to come back.
    SELECT g.*, t.execution_id, t.signalled, CASE WHEN g.status = 'pending' AND t.cancel_requested_at IS NOT NULL
        THEN 'cancelled' ELSE g.status END AS becomes,
        CASE WHEN g.retries > 0 THEN nextval('agent_tasks_ready_seq') ELSE t.ready_seq END AS place
    FROM given g CROSS JOIN LATERAL (
        SELECT l.run_token, l.execution_id, l.cancel_requested_at, l.ready_seq, l.signalled FROM agent_tasks l
        WHERE l.id = g.id AND l.run_token = g.token AND l.runner_id = %(runner_id)s LIMIT 1 FOR NO KEY UPDATE) t
    WHERE t.run_token = g.token
), ended AS (
    UPDATE agent_tasks t SET
        status = m.becomes, run_token = NULL, runner_id = NULL, progress = NULL,
        execution_id = NULL, deadline_at = NULL, held = false, signalled = false,
        error_message = CASE m.becomes WHEN 'completed' THEN NULL
            WHEN 'cancelled' THEN coalesce(t.cancel_reason, m.error) ELSE coalesce(m.error, t.error_message) END,
        retry_count = t.retry_count + m.retries,
        scheduled_for = CASE WHEN m.becomes <> 'pending' OR m.signalled THEN t.scheduled_for
            ELSE coalesce(m.until, oppspot_now() + make_interval(secs => m.delay_s)) END,
        parked = m.becomes = 'pending' AND NOT m.signalled AND coalesce(m.until > oppspot_now(), m.delay_s > 0),
        ready_seq = m.place,
        finished_at = CASE WHEN m.becomes <> 'pending' THEN oppspot_now() END,
        cancel_requested_at = CASE WHEN m.becomes = 'pending' THEN NULL ELSE t.cancel_requested_at END
    FROM mine m
    WHERE t.id = m.id
    RETURNING t.id, t.agent_id, t.org_id, t.stream_id, t.run_id, t.parent_task_id, t.attempt, t.started_at, t.payload, t.status,
              m.execution_id, m.execution_status, m.goal, m.output, m.summary, m.metrics, m.duration_ms, m.error
), tallied AS (
    INSERT INTO task_tallies (status, n)
    SELECT status, count(*) FROM ended WHERE status IN ('completed', 'cancelled') GROUP BY status
), written AS (
    INSERT INTO agent_executions (id, task_id, attempt, agent_id, org_id, stream_id, status, started_at, completed_at,
        duration_ms, input_data, output_data, goal_context, results_summary, error_message, metrics, runner_id)
    SELECT e.execution_id, e.id, e.attempt, e.agent_id,
        coalesce(e.org_id, (SELECT a.org_id FROM ai_agents a WHERE a.id = e.agent_id)),
        CASE WHEN e.stream_id IS NULL AND e.run_id IS NOT NULL
             THEN (SELECT r.stream_id FROM stream_runs r WHERE r.id = e.run_id) ELSE e.stream_id END,
        e.execution_status, e.started_at, oppspot_now(), e.duration_ms, e.payload, e.output, e.goal, e.summary,
        e.error, e.metrics, %(runner_id)s
    FROM ended e
    ORDER BY e.execution_id
    ON CONFLICT (task_id, attempt) WHERE task_id IS NOT NULL DO UPDATE SET
        status = excluded.status, started_at = excluded.started_at, completed_at = excluded.completed_at,
        duration_ms = excluded.duration_ms, input_data = excluded.input_data, output_data = excluded.output_data,
        goal_context = excluded.goal_context, results_summary = excluded.results_summary,
        error_message = excluded.error_message, metrics = excluded.metrics, runner_id = excluded.runner_id
)
SELECT e.id, e.run_id, e.agent_id, e.stream_id, e.execution_id, e.status, e.parent_task_id,
       e.status = 'completed' AND EXISTS (SELECT FROM agent_breakers b WHERE b.agent_id = e.agent_id) AS mends
FROM ended e ORDER BY e.id
