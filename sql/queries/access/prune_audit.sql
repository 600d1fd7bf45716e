-- Records past their time. They come in the order of their ids, so the first ones tell whether there are any.
DELETE FROM audit_log l WHERE l.ctid = ANY (ARRAY(
    SELECT o.ctid FROM audit_log o
    WHERE o.id IN (SELECT f.id FROM audit_log f ORDER BY f.id LIMIT 1000)
      AND o.at < oppspot_now() - make_interval(secs => %(keep_s)s)
    FOR UPDATE SKIP LOCKED))
