-- Writers of one stream wait for each other here, so that they never meet in another order.
SELECT id FROM streams
WHERE id = %(stream_id)s AND org_id IS NOT DISTINCT FROM %(org_id)s::uuid
FOR NO KEY UPDATE
