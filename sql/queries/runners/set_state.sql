UPDATE task_runners SET state = %(state)s, waiting = false WHERE id = %(runner_id)s
RETURNING desired
