-- All steps at once: an attempt that repeats finished ones asks the database a single time.
SELECT name, seq, result FROM agent_steps WHERE task_id = %(task_id)s
