-- Companies of a stream that some provider should be asked about, best position first: never asked,
-- asked too long ago, or the company or its facts changed since; who is outside and had an answer is not
-- asked again for a change. Whoever was asked since `since` (the begin of the task) is not due again, so
-- that a retry goes on where the last attempt stopped.
SELECT c.id, d.due
FROM stream_items i
JOIN streams s ON s.id = i.stream_id
JOIN companies c ON c.id = i.company_id
CROSS JOIN LATERAL (
    SELECT coalesce(max(f.id), 0) AS newest FROM facts f
    WHERE f.company_id = c.id AND (f.org_id IS NULL OR f.org_id IS NOT DISTINCT FROM c.org_id)) f
CROSS JOIN LATERAL (
    SELECT array_agg(p.name ORDER BY p.place) AS due
    FROM unnest(%(providers)s::text[], %(ttls_s)s::float8[], %(outside)s::bool[])
        WITH ORDINALITY AS p (name, ttl_s, outside, place)
    LEFT JOIN enrichment_checks k ON k.company_id = c.id AND k.provider = p.name
    WHERE k.checked_at IS NULL OR (k.checked_at < %(since)s AND (%(force)s
        OR k.checked_at <= oppspot_now() - make_interval(secs =>
            CASE WHEN k.outcome = 'error' THEN least(p.ttl_s, %(error_ttl_s)s) ELSE p.ttl_s END)
        OR ((c.updated_at > k.checked_at OR f.newest > k.facts_seen)
            AND NOT (p.outside AND k.outcome = 'ok'))))) d
WHERE i.stream_id = %(stream_id)s AND s.org_id IS NOT DISTINCT FROM %(org_id)s::uuid
  AND (c.org_id IS NULL OR c.org_id = %(org_id)s::uuid)
  AND (%(company_ids)s::uuid[] IS NULL OR c.id = ANY (%(company_ids)s))
  AND d.due IS NOT NULL
ORDER BY i.position NULLS LAST, c.id
