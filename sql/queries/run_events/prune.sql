-- Events past their time; the table is append-only, so the BRIN index finds its old end. The first ones
-- of a run go first: what is left can still be followed to its end.
DELETE FROM run_events WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM run_events
    WHERE created_at < oppspot_now() - make_interval(secs => %(keep_s)s)
    LIMIT 5000 FOR UPDATE SKIP LOCKED))
