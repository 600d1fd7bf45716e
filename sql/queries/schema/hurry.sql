-- How long a file may wait for a lock. Whoever comes after it waits behind it, heartbeats as well, so it has to be much
-- shorter than a lease.
SELECT set_config('lock_timeout', %(wait_ms)s::text, true)
