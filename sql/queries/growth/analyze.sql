-- Counts a table anew, and lets every session plan again what reads it. Whoever holds the table for that already
-- does it for us: nobody waits for it.
ANALYZE (SKIP_LOCKED) {table}
