-- The companies of a stream in the order of their positions.
SELECT i.company_id FROM stream_items i JOIN streams s ON s.id = i.stream_id
WHERE i.stream_id = %(stream_id)s AND s.org_id IS NOT DISTINCT FROM %(org_id)s::uuid
ORDER BY i.position NULLS LAST, i.company_id
