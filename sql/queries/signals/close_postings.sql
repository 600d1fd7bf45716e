-- Closes the open jobs of watchers at a company that are not among `open_keys` or not on one of `boards` any more,
-- and says so at the signals of those that are nowhere. The signal of a closed job fades as before: that somebody
-- was wanted stays true.
WITH closed AS (
    UPDATE job_postings p SET closed_at = oppspot_now()
    WHERE p.company_id = %(company_id)s AND p.org_id IS NOT DISTINCT FROM %(org_id)s::uuid
      AND p.watcher = ANY (%(watchers)s::text[]) AND p.closed_at IS NULL
      AND NOT (p.service || ':' || p.external_id = ANY (%(open_keys)s::text[])
        AND p.service || ':' || p.board = ANY (%(boards)s::text[]))
    RETURNING p.service || ':' || p.external_id AS key, p.closed_at
), gone AS (
    SELECT key, max(closed_at) AS closed_at FROM closed WHERE NOT (key = ANY (%(open_keys)s::text[])) GROUP BY key
), told AS (
    UPDATE buying_signals s SET data = s.data || jsonb_build_object('closed_at', c.closed_at)
    FROM gone c JOIN signal_sightings g ON g.company_id = %(company_id)s AND g.key = c.key
    WHERE s.id = g.signal_id AND s.signal_type = 'job_posting' AND g.org_id IS NOT DISTINCT FROM %(org_id)s::uuid
)
SELECT count(*) AS closed FROM gone
