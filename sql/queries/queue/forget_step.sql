-- Forgets a step that is to be remembered anew; fenced by who remembers.
DELETE FROM agent_steps WHERE task_id = %(task_id)s AND name = %(name)s AND seq = %(seq)s
