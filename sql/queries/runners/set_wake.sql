UPDATE task_runners SET wake = %(wake)s, lock_key = %(lock_key)s, waiting = waiting AND %(wake)s = 'notify'
WHERE id = %(runner_id)s
