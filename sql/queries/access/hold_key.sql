-- Whoever comes first with a key holds it until his transaction ends. A statement of its own: one that waits sees
-- nothing of what was committed meanwhile.
SELECT pg_advisory_xact_lock(hashtextextended(%(owner)s || ' ' || %(key)s, 0))
