-- The same key under another secret, unless it was replaced meanwhile.
UPDATE agent_keys SET sealed = %(sealed)s WHERE agent_id = %(agent_id)s AND sealed = %(old)s
