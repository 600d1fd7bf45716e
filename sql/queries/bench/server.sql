-- What was measured, and whether a commit there waits for the disk.
SELECT current_setting('server_version') AS version,
       current_setting('fsync')::boolean AND current_setting('synchronous_commit') <> 'off' AS durable
