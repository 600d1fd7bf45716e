-- The agent has no key of its own from now on.
DELETE FROM agent_keys WHERE agent_id = %(agent_id)s
