-- How many companies of a stream there are of each priority, those without a score as the last.
SELECT i.priority, count(*)::integer AS items FROM stream_items i WHERE i.stream_id = %(stream_id)s
GROUP BY i.priority ORDER BY array_position('{critical,high,medium,low}'::text[], i.priority)
