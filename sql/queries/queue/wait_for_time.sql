-- Whether the time that a sleep was given has come; asked again, the first time counts.
SELECT over, result, due_at FROM wait_for_time(%(task_id)s::uuid, %(run_token)s::bigint, %(step)s::text, %(seq)s::integer,
    coalesce(%(until)s::timestamptz, oppspot_now() + make_interval(secs => %(after_s)s::float8)))
