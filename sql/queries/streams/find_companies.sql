-- Ids of companies that may meet a goal; Python judges them again, so this may let too many through
-- but never too few. What is not known passes, ranges reach to half and twice, unless `want` is
-- 'match'. Three questions, one text: 'match', 'near' (only with soft edges), 'ruled_out'.
-- Of the companies behind `after`, up to `upto`. What only some goals ask for is folded away when a
-- statement is planned with its values, so each arm is written as an index has it; the cheap ones first.
SELECT f.id, f.in_stream, f.ruled_out FROM (
    SELECT c.id, i.company_id IS NOT NULL AS in_stream,
        -- As far as it can be said here: inside the ranges, and nothing unknown that is a must.
        (%(low)s::float8 IS NULL OR h.low IS NULL OR h.high >= %(low)s)
        AND (%(high)s::float8 IS NULL OR h.low IS NULL OR h.low <= %(high)s)
        AND (%(born_first)s::int IS NULL OR b.year IS NULL OR b.year BETWEEN %(born_first)s AND %(born_last)s)
        AND (NOT 'employee_count' = ANY (%(must)s::text[])
            OR (h.low >= coalesce(%(low)s, '-infinity') AND h.high <= coalesce(%(high)s, 'infinity')))
        AND (NOT 'company_age_years' = ANY (%(must)s) OR b.year IS NOT NULL)
        AND (NOT 'location' = ANY (%(must)s) OR coalesce(c.country, c.region, c.town) IS NOT NULL)
        AND (NOT 'industry' = ANY (%(must)s) OR c.industries && %(tags)s::text[] OR c.sic_codes && %(sic)s::text[]
            OR (c.industries = '{}' AND c.description ~* %(words)s))
        AND (NOT 'sic_codes' = ANY (%(must)s) OR c.sic_codes && %(wanted_sic)s::text[])
        AND (NOT 'tech_stack' = ANY (%(must)s) OR label_keys(c.tech) && %(tech)s::text[])
        AND (NOT 'company_status' = ANY (%(must)s) OR c.status IS NOT NULL) AS strict,
        CASE
            WHEN regexp_replace(lower(c.status), '[^[:alnum:]+#]', '', 'g') = ANY (%(dead)s::text[])
                THEN 'company_status'
            WHEN EXISTS (SELECT FROM unnest(c.sic_codes) s WHERE s LIKE ANY (%(unwanted_sic)s::text[]))
                -- Codes that were only concluded from labels rule nothing out.
                AND NOT (c.industries <> '{}' AND EXISTS (SELECT FROM facts f
                    WHERE f.company_id = c.id AND f.field = 'sic_codes'
                    AND f.source = %(concluded)s AND f.value = to_jsonb(c.sic_codes)
                    AND (f.org_id IS NULL OR f.org_id = %(org_id)s::uuid)))
                THEN 'excluded_sic'
            WHEN c.domain = ANY (%(unwanted_domains)s::text[]) THEN 'excluded_domain'
            WHEN regexp_replace(lower(c.company_number), '[^[:alnum:]+#]', '', 'g')
                = ANY (%(unwanted_numbers)s::text[]) THEN 'excluded_number'
            WHEN EXISTS (SELECT FROM stream_items o JOIN streams s ON s.id = o.stream_id
                WHERE o.company_id = c.id AND o.stream_id = ANY (%(unwanted_streams)s::uuid[])
                  AND s.org_id IS NOT DISTINCT FROM %(org_id)s::uuid) THEN 'excluded_stream'
        END AS ruled_out
    FROM companies c
    CROSS JOIN LATERAL (SELECT
        coalesce(c.employees, substring(c.employees_band FROM '^\d+')::float8) AS low,
        coalesce(c.employees, substring(c.employees_band FROM '-(\d+)$')::float8,
                 CASE WHEN c.employees_band IS NOT NULL THEN 'infinity'::float8 END) AS high) h
    CROSS JOIN LATERAL (SELECT coalesce(extract(year FROM c.incorporated), c.founded_year) AS year) b
    LEFT JOIN stream_items i ON i.company_id = c.id AND i.stream_id = %(stream_id)s::uuid
        AND EXISTS (SELECT FROM streams s
                    WHERE s.id = i.stream_id AND s.org_id IS NOT DISTINCT FROM %(org_id)s::uuid)
    WHERE (c.org_id IS NULL OR c.org_id = %(org_id)s::uuid)
      AND c.merged_into IS NULL
      AND c.id > coalesce(%(after)s::uuid, '00000000-0000-0000-0000-000000000000')
      AND c.id <= coalesce(%(upto)s::uuid, 'ffffffff-ffff-ffff-ffff-ffffffffffff')
      AND (%(countries)s::text[] IS NULL OR c.country IS NULL OR c.country = ANY (%(countries)s))
      AND (%(wanted_sic)s::text[] IS NULL OR c.sic_codes = '{}' OR c.sic_codes && %(wanted_sic)s)
      AND (%(tags)s::text[] IS NULL OR c.industries && %(tags)s OR c.sic_codes && %(sic)s
        OR (c.industries = '{}' AND (
            (coalesce(length(c.sic_codes[1]), 0) <> 5 AND NOT EXISTS (
                SELECT FROM unnest(c.sic_codes) s WHERE length(s) = 5))
            OR c.description ~* %(words)s)))
      AND (%(soft_low)s::float8 IS NULL OR h.low IS NULL OR h.high >= %(soft_low)s)
      AND (%(soft_high)s::float8 IS NULL OR h.low IS NULL OR h.low <= %(soft_high)s)
      AND (%(soft_born_first)s::int IS NULL OR b.year IS NULL
        OR b.year BETWEEN %(soft_born_first)s AND %(soft_born_last)s)
      -- Towns of plain letters are compared here, the others only by Python.
      AND (%(towns)s::text[] IS NULL OR c.town IS NULL OR lower(c.town) = ANY (%(towns)s)
        OR lower(c.region) = ANY (%(towns)s) OR c.town !~ '^[A-Za-z]+( [A-Za-z]+)*$' OR c.town ~* '^the '
        OR c.region !~ '^[A-Za-z]+( [A-Za-z]+)*$' OR c.region ~* '^the ')
      AND (%(tech)s::text[] IS NULL OR c.tech = '{}' OR EXISTS (SELECT FROM unnest(c.tech) t
        WHERE regexp_replace(lower(t), '[^[:alnum:]+#]', '', 'g') = ANY (%(tech)s)))
      AND (%(statuses)s::text[] IS NULL OR c.status IS NULL
        OR regexp_replace(lower(c.status), '[^[:alnum:]+#]', '', 'g') = ANY (%(statuses)s))
      AND (%(keywords)s::text IS NULL OR coalesce(c.description, '') = ''
        OR concat_ws(E'\n', c.name, c.description, array_to_string(c.industries, ' ')) ~* %(keywords)s)
) f
WHERE CASE %(want)s::text
    WHEN 'match' THEN f.strict AND f.ruled_out IS NULL
    WHEN 'near' THEN f.strict IS NOT TRUE AND f.ruled_out IS NULL
    ELSE f.strict AND f.ruled_out IS NOT NULL END
ORDER BY f.id
LIMIT %(limit)s
