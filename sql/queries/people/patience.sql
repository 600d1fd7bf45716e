-- For this transaction: to look through all texts takes as long as it takes, and half a forgetting is none.
SELECT set_config('statement_timeout', '30min', true)
