-- Tasks that do nothing, ready at once.
INSERT INTO agent_tasks (agent_id) SELECT %(agent_id)s FROM generate_series(1, %(tasks)s)
