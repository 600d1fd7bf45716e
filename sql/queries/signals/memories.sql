-- What each watcher remembers of companies, with the keys of all jobs that it ever saw there.
SELECT w.company_id, w.watcher, w.state, w.misses, w.looked_at, coalesce(k.known, '{}') AS known
FROM signal_watches w
LEFT JOIN LATERAL (
    SELECT array_agg(DISTINCT p.service || ':' || p.external_id) AS known FROM job_postings p
    WHERE p.company_id = w.company_id AND p.watcher = w.watcher AND p.org_id IS NOT DISTINCT FROM w.org_id) k ON true
WHERE w.company_id = ANY (%(ids)s::uuid[]) AND w.org_id IS NOT DISTINCT FROM %(org_id)s::uuid
