-- Agents that are held back after errors in a row; one of them where an agent is named.
SELECT b.agent_id, b.agent_name, b.agent_type, b.state, b.failures, b.last_error, b.opened_at, b.probe_id, b.next_try_at,
       greatest(extract(epoch FROM b.next_try_at - oppspot_now()), 0)::float8 AS next_try_s
FROM open_breakers b WHERE %(agent_id)s::uuid IS NULL OR b.agent_id = %(agent_id)s::uuid
ORDER BY b.opened_at, b.agent_id
