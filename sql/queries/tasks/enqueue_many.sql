-- One INSERT for all payloads: triggers and wake-ups are per statement.
SELECT enqueue_tasks(
    find_agent(%(agent)s::text, %(org_id)s::uuid), %(payloads)s::text[]::jsonb[],
    unique_keys => %(unique_keys)s::text[], priority => %(priority)s::integer,
    scheduled_for => %(scheduled_for)s::timestamptz, stream_id => %(stream_id)s::uuid,
    max_retries => %(max_retries)s::integer, requested_by => %(requested_by)s::text,
    task_type => %(task_type)s::text, org_id => %(org_id)s::uuid) AS ids
