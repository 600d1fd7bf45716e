-- How a body ended; whoever waits for it looks at once. The first end counts.
UPDATE task_handoffs h SET ended_at = oppspot_now(), result = %(result)s::jsonb
WHERE h.handle = %(handle)s AND h.ended_at IS NULL
RETURNING h.handle, pg_notify('oppspot_wake', current_schema() || '/ended')
