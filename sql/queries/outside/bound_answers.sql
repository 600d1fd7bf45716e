-- Leaves the answers that are of use longest, up to so many bytes. What somebody else is at stays for now.
DELETE FROM http_cache WHERE key = ANY (ARRAY(
    SELECT c.key FROM http_cache c WHERE c.expires_at <= oppspot_now() OR c.key IN (
        SELECT t.key FROM (
            SELECT o.key, sum(o.size + 1000) OVER (ORDER BY o.expires_at DESC, o.key) AS total FROM http_cache o) t
        WHERE t.total > %(most)s)
    ORDER BY c.key FOR UPDATE SKIP LOCKED))
