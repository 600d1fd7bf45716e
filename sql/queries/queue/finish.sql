-- The end of attempts, many in one statement: rows whose token is still theirs change, the others
-- are not returned and nothing of theirs is written. Ids come sorted and are locked in that order,
-- found by the key and the token alone (see hold).
WITH given AS MATERIALIZED (
    SELECT * FROM unnest(
        %(ids)s::uuid[], %(tokens)s::bigint[], %(statuses)s::text[], %(delays)s::float8[], %(untils)s::timestamptz[],
        %(retries)s::integer[], %(errors)s::text[], %(execution_statuses)s::text[],
        %(goals)s::jsonb[], %(outputs)s::jsonb[], %(summaries)s::jsonb[], %(metrics)s::jsonb[],
        %(durations)s::integer[])
    AS g (id, token, status, delay_s, until, retries, error, execution_status,
          goal, output, summary, metrics, duration_ms)
), mine AS MATERIALIZED (
    -- Whoever asked for an end gets it, also when the attempt itself wanted to come back.
    SELECT t.id, t.execution_id, CASE WHEN g.status = 'pending' AND t.cancel_requested_at IS NOT NULL
        THEN 'cancelled' ELSE g.status END AS status
    FROM agent_tasks t JOIN given g ON g.id = t.id
    WHERE t.run_token = g.token
    ORDER BY t.id FOR NO KEY UPDATE OF t
), ended AS (
    UPDATE agent_tasks t SET
        status = m.status, run_token = NULL, runner_id = NULL, progress = NULL,
        execution_id = NULL,
        deadline_at = NULL, 
        error_message = CASE m.status WHEN 'completed' THEN NULL
            WHEN 'cancelled' THEN coalesce(t.cancel_reason, g.error) ELSE coalesce(g.error, t.error_message) END,
        retry_count = t.retry_count + g.retries,
        scheduled_for = CASE WHEN m.status <> 'pending' THEN t.scheduled_for
            ELSE coalesce(g.until, oppspot_now() + make_interval(secs => g.delay_s)) END,
        parked = m.status = 'pending' AND coalesce(g.until > oppspot_now(), g.delay_s > 0),
        ready_seq = CASE WHEN g.retries > 0 THEN nextval('agent_tasks_ready_seq') ELSE t.ready_seq END,
        finished_at = CASE WHEN m.status <> 'pending' THEN oppspot_now() END,
        cancel_requested_at = CASE WHEN m.status = 'pending' THEN NULL ELSE t.cancel_requested_at END
    FROM mine m JOIN given g ON g.id = m.id
    WHERE t.id = m.id
    RETURNING t.id, t.agent_id, t.org_id, t.stream_id, t.run_id, t.attempt, t.started_at, t.payload, t.status, m.execution_id
), written AS (
    INSERT INTO agent_executions (id, task_id, attempt, agent_id, org_id, stream_id, status, started_at, completed_at,
        duration_ms, input_data, output_data, goal_context, results_summary, error_message, metrics, runner_id)
    SELECT e.execution_id, e.id, e.attempt, e.agent_id, coalesce(e.org_id, a.org_id), coalesce(e.stream_id, r.stream_id),
        g.execution_status, e.started_at, oppspot_now(), g.duration_ms, e.payload, g.output, g.goal, g.summary,
        g.error, g.metrics, %(runner_id)s
    FROM ended e JOIN given g ON g.id = e.id
    LEFT JOIN ai_agents a ON a.id = e.agent_id
    LEFT JOIN stream_runs r ON r.id = e.run_id
    ORDER BY e.execution_id
    ON CONFLICT (task_id, attempt) WHERE task_id IS NOT NULL DO UPDATE SET
        status = excluded.status, started_at = excluded.started_at, completed_at = excluded.completed_at,
        duration_ms = excluded.duration_ms, input_data = excluded.input_data, output_data = excluded.output_data,
        goal_context = excluded.goal_context, results_summary = excluded.results_summary,
        error_message = excluded.error_message, metrics = excluded.metrics, runner_id = excluded.runner_id
)
SELECT id, run_id, agent_id, stream_id, execution_id, status FROM ended ORDER BY id
