-- What may be the same and was not decided, the most alike first.
SELECT d.company_id, a.name, d.other_id, b.name AS other_name, d.likeness, a.country, a.town, a.company_number,
    b.company_number AS other_number, a.domain, b.domain AS other_domain
FROM possible_duplicates d
JOIN companies a ON a.id = d.company_id AND a.merged_into IS NULL
JOIN companies b ON b.id = d.other_id AND b.merged_into IS NULL
WHERE d.dismissed_at IS NULL
ORDER BY d.likeness DESC, a.name, d.company_id, d.other_id
LIMIT %(limit)s
