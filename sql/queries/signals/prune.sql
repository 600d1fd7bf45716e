-- Signals that expired long ago, and jobs that were closed long ago, a bounded number by their indexes. A signal
-- that is seen again after that is over already, so that it is not new.
WITH old_signal AS (
    DELETE FROM buying_signals WHERE id = ANY (ARRAY(
        SELECT s.id FROM buying_signals s
        WHERE s.expires_at < oppspot_now() - make_interval(secs => %(keep_s)s)
        ORDER BY s.expires_at LIMIT 1000 FOR UPDATE SKIP LOCKED))
    RETURNING id
), old_job AS (
    DELETE FROM job_postings WHERE id = ANY (ARRAY(
        SELECT p.id FROM job_postings p
        WHERE p.closed_at < oppspot_now() - make_interval(secs => %(keep_s)s)
        ORDER BY p.closed_at LIMIT 1000 FOR UPDATE SKIP LOCKED))
    RETURNING id
)
SELECT (SELECT count(*) FROM old_signal) + (SELECT count(*) FROM old_job) AS n
