-- When the companies of a stream were last enriched.
UPDATE stream_items i SET enriched_at = oppspot_now(), updated_at = oppspot_now()
FROM streams s
WHERE s.id = i.stream_id AND i.stream_id = %(stream_id)s AND s.org_id IS NOT DISTINCT FROM %(org_id)s::uuid
  AND i.company_id = ANY (%(ids)s::uuid[])
