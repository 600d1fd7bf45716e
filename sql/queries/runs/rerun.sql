-- The same function that people with psql call; the agent by id, name or type.
SELECT rerun_run(%(run_id)s::uuid, CASE WHEN %(from_agent)s::text IS NOT NULL THEN find_agent(%(from_agent)s::text) END,
                 %(requested_by)s::text) AS id
