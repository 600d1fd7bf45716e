-- Held for the life of the listening session: when the process dies the kernel lets go of it, and
-- others know within seconds instead of a lease.
SELECT pg_try_advisory_lock(%(lock_key)s) AS held
