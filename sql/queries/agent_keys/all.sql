-- Every key, to be encrypted anew.
SELECT agent_id, sealed FROM agent_keys ORDER BY agent_id
