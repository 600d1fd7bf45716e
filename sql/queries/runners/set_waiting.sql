-- Idle: from now on an INSERT notifies. Committed before the last look for work.
UPDATE task_runners SET waiting = %(waiting)s WHERE id = %(runner_id)s AND waiting <> %(waiting)s
