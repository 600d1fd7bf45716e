-- Waits for who is noting just now that somebody is forgotten; nobody is while this transaction lasts.
SELECT pg_advisory_xact_lock_shared(hashtextextended('oppspot_runner.forgetting', 0))
