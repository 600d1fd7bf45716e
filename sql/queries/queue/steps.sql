SELECT name, seq, result FROM agent_steps WHERE task_id = %(task_id)s
