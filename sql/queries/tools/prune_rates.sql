-- Rate limits that no call of their window counts for any more.
DELETE FROM tool_call_rates WHERE key = ANY (ARRAY(
    SELECT r.key FROM tool_call_rates r WHERE greatest(r.last_at + make_interval(secs => r.window_s), r.held_until) < oppspot_now()
    LIMIT 100 FOR UPDATE SKIP LOCKED))
