-- A key where there was none: who stores one takes the old one away first.
INSERT INTO agent_keys (agent_id, provider, sealed) VALUES (%(agent_id)s, %(provider)s, %(sealed)s)
