-- The names of agents of a stream that wait for each other, the first one again at the end.
SELECT array_agg(coalesce(a.name, c.id::text) ORDER BY c.place) AS names
FROM unnest(stream_cycle(%(stream_id)s)) WITH ORDINALITY AS c (id, place)
LEFT JOIN ai_agents a ON a.id = c.id
