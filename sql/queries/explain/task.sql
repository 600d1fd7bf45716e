-- A task with what may hold it, in one row: what its runner, its agent and its last attempt say. What
-- would let it run now comes along, with its id in it: a command, or a statement where no command does it.
SELECT t.id, t.status, t.task_type, t.priority, t.attempt, t.retry_count, t.crash_count, t.error_message,
       t.agent_id, coalesce(a.name, a.agent_type, t.agent_id::text) AS agent_name, a.agent_type,
       a.id IS NOT NULL AS has_agent, a.is_active IS NOT FALSE AS is_active,
       coalesce(t.payload @> '{"force_execute": true}', false) AS forced,
       agent_labels(t.agent_id) AS labels, coalesce(t.needs_protocol, 0) AS needs_protocol, t.run_id, t.parked, t.blocked, t.held, t.limit_key, t.created_at, nullif(t.scheduled_for, '9999-01-01Z') AS scheduled_for, t.started_at, t.finished_at, t.progress::text AS progress,
       t.cancel_requested_at IS NOT NULL AS cancel_requested, t.cancel_reason,
       extract(epoch FROM nullif(t.scheduled_for, '9999-01-01Z') - oppspot_now())::float8 AS due_in_s,
       extract(epoch FROM oppspot_now() - t.started_at)::float8 AS started_s,
       extract(epoch FROM oppspot_now() - t.finished_at)::float8 AS finished_s,
       t.runner_id, r.host, r.pid, extract(epoch FROM oppspot_now() - r.beat_at)::float8 AS heartbeat_age_s,
       extract(epoch FROM r.lease_until - oppspot_now())::float8 AS lease_s, r.beat_s,
       CASE WHEN t.status = 'pending' THEN (
           SELECT e.error_message FROM agent_executions e WHERE e.task_id = t.id ORDER BY e.attempt DESC LIMIT 1
       ) END AS last_error,
       w.waits_for, w.since AS waits_since, w.due_at AS wait_until,
       CASE WHEN w.kind = 'event' THEN format('oppspot-runner runs signal %%s %%s', w.run_id, w.name)
            WHEN w.kind = 'children' THEN format('oppspot-runner tasks list --parent %%s', t.id) END AS end_wait,
       CASE WHEN w.kind = 'children' THEN (
           SELECT format('%%s of %%s have ended', count(*) FILTER (WHERE c.status NOT IN ('pending', 'processing')), count(*))
               || coalesce((SELECT format('; the circuit breaker of %%s is %%s', b.agent_name, b.state)
                            FROM open_breakers b WHERE b.agent_id = min(c.agent_id::text)::uuid), '')
           FROM agent_tasks c WHERE c.parent_task_id = t.id) END AS children,
       format(CASE WHEN backs_off(t) THEN 'oppspot-runner tasks retry %%s'
                   ELSE 'UPDATE agent_tasks SET scheduled_for = oppspot_now() WHERE id = %%L;' END, t.id) AS run_now
FROM agent_tasks t
LEFT JOIN ai_agents a ON a.id = t.agent_id
LEFT JOIN task_runners r ON r.id = t.runner_id
LEFT JOIN waiting_tasks w ON w.task_id = t.id
WHERE t.id = %(task_id)s
