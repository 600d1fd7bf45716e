-- What an agent has for the models of a provider.
SELECT sealed FROM agent_keys WHERE agent_id = %(agent_id)s AND provider = %(provider)s
