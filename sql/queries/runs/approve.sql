-- The same function that people with psql call; the agent by id, name or type.
SELECT approve_run(%(run_id)s::uuid,
                   CASE WHEN %(agent)s::text IS NOT NULL THEN find_agent(%(agent)s::text) END) AS approved
