-- Leaves the results that stay right longest, so many. What somebody else is at stays for now.
DELETE FROM tool_results WHERE key = ANY (ARRAY(
    SELECT r.key FROM tool_results r WHERE r.expires_at <= oppspot_now() OR r.key IN (
        SELECT o.key FROM tool_results o ORDER BY o.expires_at DESC, o.key OFFSET %(most)s)
    ORDER BY r.key FOR UPDATE SKIP LOCKED))
