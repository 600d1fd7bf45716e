-- Asks for notifications of these runs, and how far each is. The address gets a message too: whoever
-- listens there hears that it still hears.
SELECT f.run_id, f.last_event, f.notified FROM follow_runs(%(run_ids)s::uuid[]) f
WHERE pg_notify('oppspot_events', %(address)s::text) IS NOT NULL
