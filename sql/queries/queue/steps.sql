-- All steps at once: an attempt that repeats finished ones asks the database a single time.
SELECT name, seq, result, position, fingerprint FROM agent_steps WHERE task_id = %(task_id)s
