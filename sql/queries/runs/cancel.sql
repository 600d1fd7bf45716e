-- What waits at once, what runs by its runner; nothing of it starts any more.
SELECT task_id AS id, was AS status FROM cancel_run(%(run_id)s::uuid, %(reason)s::text, %(agent_id)s::uuid)
