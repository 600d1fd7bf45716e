-- A range of the primary key, so that a few characters of an id find it in a table of any size.
SELECT id FROM stream_runs WHERE id BETWEEN %(low)s AND %(high)s ORDER BY id LIMIT 5
