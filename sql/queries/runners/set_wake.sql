-- Without its listening session a runner has no lock to show and must not be waited for by INSERTs.
UPDATE task_runners SET wake = %(wake)s, lock_key = %(lock_key)s, waiting = waiting AND %(wake)s = 'notify'
WHERE id = %(runner_id)s
