-- Organisations to choose from, as options of a filter; one without a name is known by its id.
SELECT o.id::text AS value, coalesce(o.name, left(o.id::text, 8)) AS name, NULL AS tasks
FROM organizations o ORDER BY o.name, o.id LIMIT 200
