-- Organisations of that id or name.
SELECT o.id FROM organizations o WHERE o.id::text = lower(%(name)s) OR o.name = %(name)s ORDER BY o.id LIMIT 5
