-- Processes of one test session, which share a server, prepare it one after the other. Held until the connection ends.
SELECT pg_advisory_lock(hashtextextended('oppspot_runner.testing', 0))
