-- At once, for those who look; the heartbeat repeats it.
UPDATE task_runners SET state = %(state)s WHERE id = %(runner_id)s
