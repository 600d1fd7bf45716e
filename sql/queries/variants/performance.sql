-- In the order in which the configuration names them; those that it no longer names come last.
SELECT v.*, a.name AS agent_name FROM variant_performance v JOIN ai_agents a ON a.id = v.agent_id
LEFT JOIN LATERAL (
    SELECT o.place FROM jsonb_array_elements(CASE WHEN jsonb_typeof(a.configuration -> 'variants') = 'array'
        THEN a.configuration -> 'variants' END) WITH ORDINALITY AS o (variant, place)
    WHERE o.variant ->> 'name' = v.variant) o ON true
WHERE %(agent_id)s::uuid IS NULL OR v.agent_id = %(agent_id)s
ORDER BY v.agent_id, o.place, v.variant
