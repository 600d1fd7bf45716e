-- Failures of closed breakers that are too old to count.
DELETE FROM host_breakers WHERE ctid = ANY (ARRAY(
    SELECT b.ctid FROM host_breakers b WHERE b.failed_at < oppspot_now() - interval '1 day'
    LIMIT 100 FOR UPDATE SKIP LOCKED))
