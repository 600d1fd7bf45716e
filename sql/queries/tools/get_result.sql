-- What was kept, unless its time is over.
SELECT result FROM tool_results WHERE key = %(key)s AND expires_at > oppspot_now()
