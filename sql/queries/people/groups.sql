-- Which companies belong to the group of each of these: those that own it, that it owns, and that have the same owner.
WITH own AS (
    SELECT a.company_id AS here, a.company_number AS number, p.register_number AS owner, p.name AS owner_name, a.role
    FROM appointments a JOIN people p ON p.id = a.person_id AND p.register_number IS NOT NULL
    WHERE a.resigned_on IS NULL AND a.role ~ '(significant-control|beneficial-owner)$'
      AND a.org_id IS NOT DISTINCT FROM %(org_id)s::uuid AND a.company_id = ANY (%(company_ids)s::uuid[])
), owned AS (
    SELECT c.id AS here, a.company_number AS number, a.company_name AS name
    FROM companies c
    JOIN people p ON p.register_number = c.company_number AND p.org_id IS NOT DISTINCT FROM %(org_id)s::uuid
    JOIN appointments a ON a.person_id = p.id AND a.resigned_on IS NULL AND a.role ~ '(significant-control|beneficial-owner)$'
    WHERE c.id = ANY (%(company_ids)s::uuid[])
), sister AS (
    SELECT o.here, a.company_number AS number, a.company_name AS name
    FROM own o
    JOIN people p ON p.register_number = o.owner AND p.org_id IS NOT DISTINCT FROM %(org_id)s::uuid
    JOIN appointments a ON a.person_id = p.id AND a.resigned_on IS NULL AND a.company_number <> o.number
        AND a.role ~ '(significant-control|beneficial-owner)$'
)
SELECT here AS company_id, 'parent' AS relation, owner AS company_number, owner_name AS company_name FROM own
UNION SELECT here, 'subsidiary', number, name FROM owned
UNION SELECT here, 'sister', number, name FROM sister
ORDER BY 1, 2, 3
