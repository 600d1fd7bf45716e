-- A new id at every start: nothing is keyed by host or pid. A runner that starts over is still asked for what its row
-- of before says, where that is there yet.
INSERT INTO task_runners (host, pid, version, protocol, slots, task_types, labels, agent_types, backends, poll_s, lease_s, beat_s, desired, lease_until)
VALUES (%(host)s, %(pid)s, %(version)s, %(protocol)s, %(slots)s, %(task_types)s, %(labels)s, %(agent_types)s, %(backends)s, %(poll_s)s, %(lease_s)s, %(beat_s)s,
        coalesce((SELECT r.desired FROM task_runners r WHERE r.id = %(before)s), %(desired)s),
        oppspot_now() + make_interval(secs => %(lease_s)s))
RETURNING id, hashtextextended(current_schema() || '.task_runners', id) AS lock_key, desired
