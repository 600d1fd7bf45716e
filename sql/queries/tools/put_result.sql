-- The newest result of a call counts.
INSERT INTO tool_results (key, result, expires_at)
VALUES (%(key)s, %(result)s::jsonb, oppspot_now() + make_interval(secs => %(ttl_s)s))
ON CONFLICT (key) DO UPDATE SET result = excluded.result, expires_at = excluded.expires_at
