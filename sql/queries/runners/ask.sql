-- What people want of live runners; each is told at once, and reads its row at every beat anyway.
UPDATE task_runners r SET desired = %(desired)s
WHERE r.lease_until > oppspot_now() AND (%(ids)s::bigint[] IS NULL OR r.id = ANY (%(ids)s::bigint[]))
      AND (%(host)s::text IS NULL OR r.host = %(host)s::text)
RETURNING r.id, r.host, r.pid, r.state, pg_notify('oppspot_wake', current_schema() || '/' || r.id || '!')
