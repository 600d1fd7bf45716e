-- The same function that people with psql call.
SELECT run_graph(%(root)s::text, %(payload)s::jsonb, %(strategy)s::text, %(max_parallel)s::integer,
                 %(priority)s::integer, %(requested_by)s::text) AS id
