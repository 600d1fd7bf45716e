-- Makes the children of a task once, with the step that remembers them; and whether all of them have ended.
SELECT over, result, due_at FROM spawn_tasks(%(task_id)s::uuid, %(run_token)s::bigint, %(step)s::text, %(seq)s::integer,
    %(agent)s::text, %(payloads)s::jsonb)
