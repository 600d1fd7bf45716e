-- Newest first, with how far each run is.
SELECT r.id, r.stream_id, s.name AS stream_name, r.root_agent_id, a.name AS root_agent_name, r.status, r.priority,
       r.requested_by, r.strategy, r.max_parallel, r.rerun_of, r.last_event, r.created_at, r.finished_at, n.nodes, n.nodes - r.open_nodes AS nodes_ended,
       extract(epoch FROM oppspot_now() - r.created_at)::float8 AS age_s,
       extract(epoch FROM coalesce(r.finished_at, oppspot_now()) - r.created_at)::float8 AS seconds
FROM stream_runs r
LEFT JOIN streams s ON s.id = r.stream_id
LEFT JOIN ai_agents a ON a.id = r.root_agent_id
CROSS JOIN LATERAL (SELECT count(*)::integer AS nodes FROM stream_run_nodes x WHERE x.run_id = r.id) n
WHERE (%(run_id)s::uuid IS NULL OR r.id = %(run_id)s::uuid)
  AND (%(stream_id)s::uuid IS NULL OR r.stream_id = %(stream_id)s::uuid)
  AND (%(status)s::text IS NULL OR r.status = %(status)s::text)
  AND (%(before)s::uuid IS NULL OR r.id < %(before)s::uuid)
ORDER BY r.id DESC LIMIT %(limit)s
