-- The transaction's statements may take that long.
SELECT set_config('statement_timeout', %(limit_ms)s::text, true)
