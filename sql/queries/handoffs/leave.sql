-- A runner stops: its bodies elsewhere go on, and the next runner waits for them. Not batches, of which some tasks
-- may have ended.
UPDATE task_handoffs h SET runner_id = NULL WHERE h.runner_id = %(runner_id)s AND h.companions = '{}'
RETURNING h.run_token
