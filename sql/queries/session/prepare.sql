-- One round trip for all settings of a session. A client that froze or is gone must not hold the rows
-- of its transaction for ever: nobody could rescue them. Compiling our statements (jit) costs more than it
-- ever saves: an import batch took 2.5 s with it and 0.6 s without. Whoever waited for a turn must see what was
-- committed meanwhile, whatever the role's default.
SELECT set_config('TimeZone', 'UTC', false), set_config('jit', 'off', false),
       set_config('default_transaction_isolation', 'read committed', false),
       set_config('statement_timeout', %(timeout_ms)s::text, false),
       set_config('idle_in_transaction_session_timeout', %(timeout_ms)s::text, false)
