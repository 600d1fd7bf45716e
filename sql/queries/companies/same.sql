-- Pairs of companies that are the same one by an exact key: the registered domain, else name and country. Never of
-- one source, which had its reason to list both; never when their numbers, or for the name their domains,
-- differ; never when there is a second candidate, and not for a key that more than 20 share. The one with a
-- number stays, else the older one. Joined by domain and by name only, whatever the planner believes: just after
-- an import it knows nothing of the table, and would go through a whole country for each company.
WITH fresh AS (
    SELECT * FROM companies c
    WHERE c.merged_into IS NULL AND (%(source)s::text IS NULL OR (c.source = %(source)s
        AND c.created_at >= %(since)s::timestamptz AND c.org_id IS NOT DISTINCT FROM %(org_id)s::uuid))
), domains AS (
    SELECT c.domain, c.org_id, array_agg(c.id) AS ids
    FROM (SELECT DISTINCT domain, org_id FROM fresh WHERE domain IS NOT NULL) k
    JOIN companies c ON c.domain = k.domain AND c.org_id IS NOT DISTINCT FROM k.org_id
        AND coalesce(c.merged_into, c.id) = c.id
    GROUP BY 1, 2 HAVING min(coalesce(c.source, '')) <> max(coalesce(c.source, '')) AND count(*) <= 20
), names AS (
    SELECT c.name_norm, c.country, c.org_id, array_agg(c.id) AS ids
    FROM (SELECT DISTINCT name_norm, country, org_id FROM fresh WHERE name_norm <> '' AND country IS NOT NULL) k
    JOIN companies c ON c.name_norm = k.name_norm AND c.country IS NOT DISTINCT FROM k.country
        AND c.org_id IS NOT DISTINCT FROM k.org_id AND coalesce(c.merged_into, c.id) = c.id
    GROUP BY 1, 2, 3 HAVING min(coalesce(c.source, '')) <> max(coalesce(c.source, '')) AND count(*) <= 20
), ordered AS (
    SELECT a.id AS one, b.id AS other, k.reason, k.place
    FROM (SELECT ids, 'domain' AS reason, 1 AS place FROM domains
          UNION ALL SELECT ids, 'name and country', 2 FROM names) k
    CROSS JOIN LATERAL unnest(k.ids) i (id) CROSS JOIN LATERAL unnest(k.ids) j (id)
    JOIN companies a ON a.id = i.id
    JOIN companies b ON b.id = j.id
    WHERE i.id < j.id AND a.source IS DISTINCT FROM b.source AND coalesce(a.company_number = b.company_number, true)
      AND (k.place = 1 OR coalesce(a.domain = b.domain, true))
), seen AS (
    SELECT place, one AS id FROM ordered UNION ALL SELECT place, other FROM ordered
), doubtful AS (
    SELECT place, id FROM seen GROUP BY 1, 2 HAVING count(*) > 1
), certain AS (
    SELECT o.* FROM ordered o
    WHERE (o.place, o.one) NOT IN (TABLE doubtful) AND (o.place, o.other) NOT IN (TABLE doubtful)
)
SELECT DISTINCT ON (g.id) g.id AS company_id, k.id AS into, p.reason, g.name, k.name AS into_name
FROM certain p
JOIN companies a ON a.id = p.one
JOIN companies b ON b.id = p.other
CROSS JOIN LATERAL (SELECT CASE WHEN a.company_number IS NULL AND b.company_number IS NOT NULL THEN b.id
    WHEN b.company_number IS NULL AND a.company_number IS NOT NULL THEN a.id
    WHEN (a.created_at, a.id) <= (b.created_at, b.id) THEN a.id ELSE b.id END AS id) best
JOIN companies k ON k.id = best.id
JOIN companies g ON g.id IN (a.id, b.id) AND g.id <> best.id
ORDER BY g.id, p.place
