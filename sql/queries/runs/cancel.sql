-- What waits at once, what runs by its runner; nothing of it starts any more. The agent by id, name or type.
SELECT task_id AS id, was AS status FROM cancel_run(%(run_id)s::uuid, %(reason)s::text,
    CASE WHEN %(agent)s::text IS NOT NULL THEN find_agent(%(agent)s::text) END)
