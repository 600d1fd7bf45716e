-- A migration may have to read a whole table: the limit of ordinary statements does not apply.
SELECT set_config('statement_timeout', '0', true)
