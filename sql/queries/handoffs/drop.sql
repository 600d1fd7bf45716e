-- Nobody is to run it any more. Only for the runner that it belongs to: one whose lease is over leaves it to whoever
-- takes it over.
DELETE FROM task_handoffs h USING task_runners r
WHERE h.handle = %(handle)s AND h.runner_id = %(runner_id)s AND r.id = h.runner_id AND r.lease_until > oppspot_now()
RETURNING h.handle
