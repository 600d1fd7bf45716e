-- What the agents made, by their ids; as text: what Python refuses to read is shown as such.
SELECT r.results::text AS results FROM stream_runs r WHERE r.id = %(run_id)s
