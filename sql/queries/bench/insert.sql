-- One task, put in as anybody would.
INSERT INTO agent_tasks (agent_id, requested_by) VALUES (%(agent_id)s, 'latency')
