-- Companies that some watcher should look at, and which: never looked, or longest ago, first. Those at which
-- somebody looked in this task already come last: else who waits for a source that is asked too often would
-- keep the others from those that can look. With a stream those of its items, narrowed to `company_ids`;
-- without one that list itself, else all companies in streams of the organisation; who was merged stands for
-- whom it turned out to be. Whoever was looked at since `since` (the begin of the task) is not due again, so
-- that a retry goes on where the last attempt stopped; a look that failed is tried again sooner. A look of the
-- future was made by a clock that was ahead, and keeps nobody from looking. OFFSET 0: each company is found by
-- its id; without statistics a plan read the whole index of companies by name for each.
WITH asked AS MATERIALIZED (
    SELECT coalesce(c.merged_into, c.id) AS id FROM companies c WHERE c.id = ANY (%(company_ids)s::uuid[])
), chosen AS (
    SELECT i.company_id FROM stream_items i JOIN streams s ON s.id = i.stream_id
    WHERE i.stream_id = %(stream_id)s::uuid AND s.org_id IS NOT DISTINCT FROM %(org_id)s::uuid
      AND (%(company_ids)s::uuid[] IS NULL OR i.company_id IN (SELECT id FROM asked))
    UNION
    SELECT id FROM asked WHERE %(stream_id)s::uuid IS NULL
    UNION
    SELECT i.company_id FROM streams s JOIN stream_items i ON i.stream_id = s.id
    WHERE %(stream_id)s::uuid IS NULL AND %(company_ids)s::uuid[] IS NULL
      AND s.org_id IS NOT DISTINCT FROM %(org_id)s::uuid
)
SELECT c.id, d.due
FROM chosen o
CROSS JOIN LATERAL (SELECT k.id, k.org_id, k.merged_into FROM companies k WHERE k.id = o.company_id OFFSET 0) c
CROSS JOIN LATERAL (
    SELECT array_agg(p.name ORDER BY p.place) FILTER (WHERE p.is_due) AS due,
        min(coalesce(p.checked_at, '-infinity')) FILTER (WHERE p.is_due) AS longest_ago,
        coalesce(bool_or(p.checked_at >= %(since)s), false) AS begun
    FROM (
        SELECT a.name, a.place, w.checked_at, w.checked_at IS NULL OR w.checked_at > oppspot_now()
            OR (w.checked_at < %(since)s AND (%(force)s OR w.checked_at <= oppspot_now() - make_interval(secs =>
                CASE WHEN w.outcome = 'error' THEN least(a.every_s, %(error_every_s)s) ELSE a.every_s END))) AS is_due
        FROM unnest(%(watchers)s::text[], %(everies_s)s::float8[]) WITH ORDINALITY AS a (name, every_s, place)
        LEFT JOIN signal_watches w ON w.company_id = c.id AND w.watcher = a.name
            AND coalesce(w.org_id, '00000000-0000-0000-0000-000000000000'::uuid)
                = coalesce(%(org_id)s::uuid, '00000000-0000-0000-0000-000000000000'::uuid)) p) d
WHERE d.due IS NOT NULL AND c.merged_into IS NULL AND (c.org_id IS NULL OR c.org_id = %(org_id)s::uuid)
ORDER BY d.begun, d.longest_ago, c.id LIMIT %(limit)s
