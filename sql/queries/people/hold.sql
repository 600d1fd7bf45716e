-- Waits until all who are saving people just now have done so; who saves later sees what this transaction has written.
SELECT pg_advisory_xact_lock(hashtextextended('oppspot_runner.forgetting', 0))
