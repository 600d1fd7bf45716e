-- The same function that people with psql call, so that both keep the same rules.
SELECT replay_task(%(task_id)s::uuid, %(from_step)s::text, %(payload)s::jsonb) AS id
