-- Jobs that a watcher sees open at a company. One that was closed is open again.
INSERT INTO job_postings AS p (org_id, company_id, watcher, service, board, external_id, title, department,
    location, url, published_at)
SELECT DISTINCT ON (g.service, g.board, g.external_id) %(org_id)s::uuid, %(company_id)s::uuid, g.watcher, g.service,
    g.board, g.external_id, g.title, g.department, g.location, g.url, g.published_at
FROM jsonb_to_recordset(%(postings)s::jsonb) AS g (watcher text, service text, board text, external_id text,
    title text, department text, location text, url text, published_at timestamptz)
ORDER BY g.service, g.board, g.external_id
ON CONFLICT (company_id, service, board, external_id, (coalesce(org_id, '00000000-0000-0000-0000-000000000000'::uuid)))
DO UPDATE SET (title, department, location, url, published_at, last_seen_at, closed_at) = (excluded.title,
    excluded.department, excluded.location, excluded.url, coalesce(excluded.published_at, p.published_at),
    oppspot_now(), NULL)
