-- One migrator at a time for each database and schema; released at the end of the transaction.
SELECT pg_advisory_xact_lock(hashtextextended('oppspot_runner migrate ' || %(schema)s, 0))
