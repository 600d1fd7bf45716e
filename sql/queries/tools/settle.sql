-- As somebody found who looked.
SELECT settle_tool_call(%(task_id)s::uuid, %(done)s::boolean, %(step)s::text, %(result)s::jsonb) AS step
