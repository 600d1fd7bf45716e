-- Takes a signal of the run, or says that the task waits for one; in one transaction, so that none gets lost.
SELECT over, result, due_at FROM wait_for_event(%(task_id)s::uuid, %(run_token)s::bigint, %(name)s::text, %(step)s::text,
    %(deadline_step)s::text, %(seq)s::integer, %(timeout_s)s::float8)
