-- Companies for people to look through by their names: those of everybody, and those of one organisation. Each part comes
-- in the order of an index, so that a page of millions costs no more than one of few. The range of "C" is exact.
WITH own AS (
    (SELECT c.* FROM companies c
     WHERE c.org_id IS NULL AND c.merged_into IS NULL
       AND c.name_norm COLLATE "C" >= %(begin)s::text AND c.name_norm COLLATE "C" < %(begin)s::text || chr(1114111)
       AND (c.name_norm COLLATE "C", c.id) > (%(after_name)s::text, %(after_id)s::uuid)
     ORDER BY c.name_norm COLLATE "C", c.id LIMIT %(limit)s)
    UNION ALL
    (SELECT c.* FROM companies c
     WHERE c.org_id = %(org_id)s::uuid AND c.merged_into IS NULL
       AND c.name_norm COLLATE "C" >= %(begin)s::text AND c.name_norm COLLATE "C" < %(begin)s::text || chr(1114111)
       AND (c.name_norm COLLATE "C", c.id) > (%(after_name)s::text, %(after_id)s::uuid)
     ORDER BY c.name_norm COLLATE "C", c.id LIMIT %(limit)s)
)
SELECT o.id, o.name, o.name_norm, o.org_id, o.company_number, o.domain, o.status, o.country, o.region, o.town, o.industries,
    o.employees, o.employees_band, o.founded_year, o.updated_at
FROM own o ORDER BY o.name_norm COLLATE "C", o.id LIMIT %(limit)s
