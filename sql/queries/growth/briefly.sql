-- The size of a table that somebody rebuilds is told when he is done with it. Nobody waits for that: not longer than
-- a moment, in this transaction.
SELECT set_config('lock_timeout', '100ms', true)
