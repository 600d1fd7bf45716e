-- One round trip for all settings of a session.
SELECT set_config('TimeZone', 'UTC', false),
       set_config('statement_timeout', %(timeout_ms)s::text, false)
