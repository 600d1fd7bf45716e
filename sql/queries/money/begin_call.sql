-- Holds what a call may cost, and writes its row; see begin_model_call.
SELECT * FROM begin_model_call(
    jsonb_populate_record(NULL::model_calls, %(call)s::jsonb || jsonb_build_object(
        'status', 'started', 'input_tokens', 0, 'output_tokens', 0, 'cached_tokens', 0, 'cache_written_tokens', 0,
        'reasoning_tokens', 0, 'started_at', oppspot_now(), 'tool', tool_of_task(%(task_id)s))),
    %(per_task)s::numeric, %(unpriced)s::text, %(dropped)s::uuid[])
