-- The other side says to wait so long.
SELECT hold_tool_calls(%(key)s::text, %(window_s)s::float8, %(hold_s)s::float8)
