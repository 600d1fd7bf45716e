-- Nothing that may run here is due or running, by anybody; retries of such tasks count, tasks that
-- people scheduled for later, and paused ones, do not. Running and ready rows are asked for in the order of their
-- indexes: without it a plan reads the table when statistics are older than the last burst.
SELECT coalesce(
    (SELECT false FROM agent_tasks
     WHERE status = 'processing' AND (%(task_types)s::text[] IS NULL OR task_type = ANY (%(task_types)s::text[]))
     ORDER BY runner_id LIMIT 1),
    (SELECT false FROM agent_tasks t
     WHERE t.status = 'pending' AND NOT t.parked
       AND (%(task_types)s::text[] IS NULL OR t.task_type = ANY (%(task_types)s::text[]))
       AND NOT EXISTS (
           SELECT FROM task_pauses p LEFT JOIN ai_agents a ON a.id = t.agent_id
           WHERE (p.scope = 'agent' AND p.key = t.agent_id::text)
              OR (p.scope = 'type' AND p.key IN (t.task_type, a.agent_type))
              OR (p.scope = 'org' AND p.key = coalesce(t.org_id, a.org_id)::text))
     ORDER BY task_lane(t.task_type, t.agent_id, t.org_id), t.priority LIMIT 1),
    NOT EXISTS (
        SELECT FROM agent_tasks
        WHERE status = 'pending' AND parked AND (retry_count > 0 OR scheduled_for <= oppspot_now())
          AND (%(task_types)s::text[] IS NULL OR task_type = ANY (%(task_types)s::text[])))) AS drained
