-- Attempts that are on, with the columns that a claim has.
SELECT t.id, t.run_token, t.attempt, t.task_type, t.priority, t.retry_count, t.max_retries, t.crash_count,
       t.stream_id, t.run_id, t.execution_id, t.unique_key, t.requested_by, t.replay_of, t.traceparent, t.created_at, t.started_at,
       t.payload::text AS payload, coalesce(t.org_id, a.org_id) AS org_id, t.org_id AS task_org_id,
       (extract(epoch FROM t.started_at - greatest(t.scheduled_for, t.created_at)) * 1000)::bigint AS wait_ms,
       t.limit_key, t.agent_id, a.org_id AS agent_org_id, a.name AS agent_name, a.agent_type,
       a.configuration::text AS configuration, a.is_active, a.schedule_timezone,
       extract(epoch FROM oppspot_now() - t.started_at)::float8 AS ran_s
FROM agent_tasks t LEFT JOIN ai_agents a ON a.id = t.agent_id
WHERE t.id = ANY (%(task_ids)s::uuid[]) AND t.run_token = ANY (%(tokens)s::bigint[])
