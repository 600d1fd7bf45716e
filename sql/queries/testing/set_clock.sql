-- What time it is in a database for tests. One row: all who ask later see the new time.
UPDATE oppspot_testing.clock SET at = %(at)s
