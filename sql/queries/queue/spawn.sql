-- Makes the children of a task once, with the step that remembers them; and whether all of them have ended.
SELECT over, result, due_at FROM spawn_tasks(%(task_id)s::uuid, %(run_token)s::bigint, %(step)s::text, %(seq)s::integer,
    -- Arguments come before the function: the children find the trace of the attempt.
    CASE WHEN %(traceparent)s::text IS NULL OR set_config('oppspot.traceparent', %(traceparent)s::text, true) <> ''
         THEN %(agent)s::text END, %(payloads)s::jsonb)
