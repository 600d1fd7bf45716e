-- Asked when a runner has claimed a task of an agent type that it does not know: then it is not the one to fail it.
SELECT is_known_elsewhere(a.agent_type, %(task_type)s, agent_labels(a.id)) AS known FROM ai_agents a WHERE a.id = %(agent_id)s
