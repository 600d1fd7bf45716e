-- Some of the signals whose time is over. Those that somebody holds wait for the next call.
UPDATE buying_signals SET status = 'expired'
WHERE id = ANY (ARRAY(
    SELECT id FROM buying_signals
    WHERE status IN ('active', 'unconfirmed') AND expires_at <= %(now)s AND org_id IS NOT DISTINCT FROM %(org_id)s::uuid
    ORDER BY expires_at LIMIT 5000 FOR NO KEY UPDATE SKIP LOCKED))
