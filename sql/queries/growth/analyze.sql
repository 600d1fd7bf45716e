-- Has a table counted anew, and lets every session plan again what reads it. One column is enough for that, a
-- fifth of the work, and leaves the whole to autovacuum, which then still takes the table for changed. Whoever
-- holds the table for the same already does it for us: nobody waits for it.
ANALYZE (SKIP_LOCKED) {table} ({column})
