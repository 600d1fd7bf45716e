-- Opens the run of a claimed task; the fence keeps a runner that lost the task from opening one. Asked
-- again, because the answer got lost, it gives the run that is there.
WITH mine AS MATERIALIZED (
    SELECT t.id, t.run_id FROM agent_tasks t
    WHERE t.id = %(task_id)s AND t.run_token = %(run_token)s FOR NO KEY UPDATE
), opened AS MATERIALIZED (
    SELECT m.id, coalesce(m.run_id, open_stream_run(%(stream_id)s, %(agent_id)s, m.id, %(payload)s::jsonb,
                                                    %(priority)s,
        -- Arguments come before the function: the run finds the trace of the attempt.
        CASE WHEN %(traceparent)s::text IS NULL OR set_config('oppspot.traceparent', %(traceparent)s::text, true) <> ''
             THEN %(requested_by)s::text END, %(chain)s)) AS run_id
    FROM mine m
)
UPDATE agent_tasks t SET run_id = o.run_id, stream_id = coalesce(t.stream_id, %(stream_id)s)
FROM opened o WHERE t.id = o.id
RETURNING t.run_id
