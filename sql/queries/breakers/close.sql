-- A trigger takes away the limit that holds the agent's tasks back, and wakes the runners.
DELETE FROM agent_breakers WHERE agent_id::text = %(key)s::text AND opened_at IS NOT NULL RETURNING agent_id
