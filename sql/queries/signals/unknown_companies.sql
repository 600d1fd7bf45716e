-- Ids of no company that the organisation may see, the first in their order; who was merged stands for whom it
-- turned out to be.
SELECT a.id FROM unnest(%(ids)s::uuid[]) WITH ORDINALITY AS a (id, place)
WHERE NOT EXISTS (
    SELECT FROM companies c JOIN companies o ON o.id = coalesce(c.merged_into, c.id)
    WHERE c.id = a.id AND (o.org_id IS NULL OR o.org_id = %(org_id)s::uuid))
GROUP BY a.id ORDER BY min(a.place) LIMIT %(most)s
