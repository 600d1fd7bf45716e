-- Whether this agent works for this stream.
SELECT EXISTS (SELECT FROM stream_agent_assignments x
               WHERE x.stream_id = %(stream_id)s AND x.agent_id = %(agent_id)s AND coalesce(x.is_active, true)) AS assigned
