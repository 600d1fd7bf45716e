-- A range of the primary key: what people type are the first characters of an id.
SELECT id FROM api_tokens WHERE id BETWEEN %(low)s AND %(high)s ORDER BY id LIMIT 5
