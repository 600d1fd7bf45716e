-- What came of looks at a company. One that failed leaves what is remembered. The company is held.
INSERT INTO signal_watches (org_id, company_id, watcher, state, misses, looked_at, outcome, error_code)
SELECT %(org_id)s::uuid, %(company_id)s::uuid, g.watcher, coalesce(g.state, w.state, '{}'),
    CASE g.outcome WHEN 'ok' THEN 0 ELSE coalesce(w.misses, 0) + (g.outcome = 'gone')::integer END,
    CASE g.outcome WHEN 'ok' THEN oppspot_now() ELSE w.looked_at END, g.outcome, g.error_code
FROM jsonb_to_recordset(%(watches)s::jsonb) AS g (watcher text, state jsonb, outcome text, error_code text)
LEFT JOIN signal_watches w ON w.company_id = %(company_id)s AND w.watcher = g.watcher
    AND w.org_id IS NOT DISTINCT FROM %(org_id)s::uuid
ON CONFLICT (company_id, watcher, (coalesce(org_id, '00000000-0000-0000-0000-000000000000'::uuid)))
DO UPDATE SET (state, misses, looked_at, checked_at, outcome, error_code) = (excluded.state, excluded.misses,
    excluded.looked_at, oppspot_now(), excluded.outcome, excluded.error_code)
RETURNING watcher, misses
