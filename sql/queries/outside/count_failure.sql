-- A call failed, or found nobody who answers.
SELECT count_host_failure(%(source)s::text, %(host)s::text, %(most)s::integer, %(open_s)s::float8, %(error)s::text)
