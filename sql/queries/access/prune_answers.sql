-- Answers older than a day: by then nobody repeats his request.
DELETE FROM idempotency_keys k WHERE k.ctid = ANY (ARRAY(
    SELECT o.ctid FROM idempotency_keys o
    WHERE o.created_at < oppspot_now() - interval '1 day' LIMIT 1000 FOR UPDATE SKIP LOCKED))
