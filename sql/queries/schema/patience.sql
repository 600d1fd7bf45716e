-- A migration may have to wait for another one and to read a whole table: the limits of ordinary
-- statements do not apply. Functions keep the search_path that they are made under: our schema
-- alone, not one that happens to have the name of the caller, and temporary tables last.
SELECT set_config('statement_timeout', '0', true), set_config('lock_timeout', '0', true),
       set_config('search_path', quote_ident(%(schema)s) || ', pg_temp', true)
