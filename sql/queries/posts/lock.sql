-- One transaction at a time writes posts of a platform for an organisation: what two write at once overlaps, and each
-- would wait for rows that the other has.
SELECT pg_advisory_xact_lock(hashtextextended(
    'oppspot_runner.posts:' || %(platform)s || ':' || coalesce(%(org_id)s::uuid::text, ''), 0))
