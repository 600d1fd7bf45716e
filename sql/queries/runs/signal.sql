-- The same function that people with psql call, so that both keep the same rules.
SELECT signal_run(%(run_id)s::uuid, %(name)s::text, %(payload)s::jsonb) AS id
