-- Hosts that nobody calls after failures in a row, those first that are so longest.
SELECT b.source, b.host, b.state, b.failures, b.last_error, b.opened_at, b.next_try_at,
       greatest(extract(epoch FROM b.next_try_at - oppspot_now()), 0)::float8 AS next_try_s
FROM open_host_breakers b
ORDER BY b.opened_at, b.source, b.host
