-- The same function that people with psql call.
SELECT run_stream(%(stream_id)s::uuid, %(payload)s::jsonb, %(priority)s::integer, %(requested_by)s::text,
                  %(strategy)s::text, %(max_parallel)s::integer) AS id
