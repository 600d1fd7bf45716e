-- The same function that people with psql call, so that both keep the same rules.
SELECT enqueue_task(
    agent => %(agent)s::text, payload => %(payload)s::jsonb, priority => %(priority)s::integer,
    scheduled_for => %(scheduled_for)s::timestamptz, stream_id => %(stream_id)s::uuid,
    unique_key => %(unique_key)s::text, max_retries => %(max_retries)s::integer,
    requested_by => %(requested_by)s::text, task_type => %(task_type)s::text, org_id => %(org_id)s::uuid,
    on_conflict => %(on_conflict)s::text, limit_key => %(limit_key)s::text) AS id
