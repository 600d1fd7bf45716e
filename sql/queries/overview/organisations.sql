-- Organisations to choose from.
SELECT o.id, o.name FROM organizations o ORDER BY o.name, o.id LIMIT 200
