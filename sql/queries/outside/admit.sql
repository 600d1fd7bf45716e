-- Seconds until a host may be called; NULL or 0: now, and NULL: it has no failures.
SELECT admit_host_call(%(source)s::text, %(host)s::text) AS wait_s
