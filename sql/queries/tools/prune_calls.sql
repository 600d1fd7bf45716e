-- Calls past their time; rows are only added, so the BRIN index finds the old end.
DELETE FROM tool_calls WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM tool_calls WHERE started_at < oppspot_now() - make_interval(secs => %(keep_s)s)
    LIMIT 5000 FOR UPDATE SKIP LOCKED))
