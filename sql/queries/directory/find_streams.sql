-- By id or name; the caller says what it means when there is none or more than one.
SELECT id, name FROM streams WHERE id = %(stream_id)s OR name = %(name)s ORDER BY id LIMIT 5
