-- JSON as text: what Python refuses to read is shown as such, and the rest is still seen.
SELECT s.id, s.name, s.org_id, s.goal_criteria::text AS goal_criteria, s.target_metrics::text AS target_metrics,
       s.progress::text AS progress, s.created_at,
       (SELECT count(*) FROM stream_items i WHERE i.stream_id = s.id) AS items
FROM streams s WHERE s.id = %(stream_id)s
