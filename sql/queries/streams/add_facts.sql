-- The same fact of the same source stays one row; seeing it again makes it fresh. Of a value that is
-- stated for several days, as the head counts of two years may be, the latest day is kept.
INSERT INTO facts (company_id, org_id, field, value, source, source_url, observed_at, valid_from, confidence)
SELECT DISTINCT ON (c.id, g.field, g.source, g.value)
    c.id, c.org_id, g.field, g.value, g.source, g.source_url, g.observed_at, g.valid_from, g.confidence
FROM jsonb_to_recordset(%(facts)s::jsonb) AS g (company_id uuid, field text, value jsonb, source text,
    source_url text, observed_at timestamptz, valid_from date, confidence real)
JOIN companies c ON c.id = g.company_id AND (c.org_id IS NULL OR c.org_id = %(org_id)s::uuid)
ORDER BY c.id, g.field, g.source, g.value, g.valid_from DESC NULLS LAST, g.observed_at DESC
ON CONFLICT (company_id, field, source,
    (coalesce(org_id, '00000000-0000-0000-0000-000000000000'::uuid)), (md5(value::text)::uuid))
DO UPDATE SET observed_at = excluded.observed_at, confidence = excluded.confidence,
    source_url = excluded.source_url, valid_from = excluded.valid_from
WHERE facts.observed_at < excluded.observed_at
