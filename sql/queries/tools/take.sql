-- Seconds until a call may be made; 0: now, and it is counted.
SELECT take_tool_call(%(key)s::text, %(most)s::integer, %(window_s)s::float8) AS wait_s
