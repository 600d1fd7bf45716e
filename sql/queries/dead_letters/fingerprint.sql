-- To which group a failed task belongs.
SELECT d.fingerprint FROM dead_letter_tasks d WHERE d.id = %(task_id)s
