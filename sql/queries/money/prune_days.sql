-- Sums of days all of whose calls are past their time. Until then a day counts whole, though its first calls are gone.
DELETE FROM model_cost_days WHERE ctid = ANY (ARRAY(
    SELECT d.ctid FROM model_cost_days d
    WHERE d.day < ((oppspot_now() - make_interval(secs => %(keep_s)s)) AT TIME ZONE 'UTC')::date
    LIMIT 5000 FOR UPDATE OF d SKIP LOCKED))
