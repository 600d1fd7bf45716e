-- Nothing that may run here is due or running, by anybody; retries of such tasks count, tasks that people
-- scheduled for later, paused ones, those that wait for something, and deliveries of notifications do not. One
-- whose children have all ended counts: who ended the last of them is about to wake it. Running rows are asked
-- for in the order of their index: without it a plan reads the table when statistics are older than the last
-- burst.
SELECT coalesce(
    (SELECT false FROM agent_tasks
     WHERE status = 'processing' AND task_type <> 'notification' AND (%(task_types)s::text[] IS NULL OR task_type = ANY (%(task_types)s::text[]))
       AND labels_suffice(agent_id, %(labels)s::text[])
     ORDER BY runner_id LIMIT 1),
    (SELECT false FROM open_lanes
     WHERE task_type <> 'notification' AND (%(task_types)s::text[] IS NULL OR task_type = ANY (%(task_types)s::text[])) AND (NOT EXISTS (SELECT FROM required_labels) OR labels_suffice(agent_id, %(labels)s::text[]))
       AND (agent_type IS NULL OR agent_type = ANY (%(agent_types)s::text[]) OR NOT is_known_elsewhere(agent_type, task_type, agent_labels(agent_id)))
     LIMIT 1),
    (SELECT false FROM agent_tasks t LEFT JOIN ai_agents a ON a.id = t.agent_id
     WHERE t.status = 'pending' AND t.blocked AND (%(task_types)s::text[] IS NULL OR t.task_type = ANY (%(task_types)s::text[]))
       AND labels_suffice(t.agent_id, %(labels)s::text[])
       AND NOT EXISTS (
           SELECT FROM limit_names(t.agent_id, a.agent_type, t.task_type, coalesce(t.org_id, a.org_id)) n
           JOIN task_pauses p ON p.scope = n.scope AND p.key = n.key)
     ORDER BY t.limit_key LIMIT 1),
    (SELECT false FROM task_waits w JOIN agent_tasks t ON t.id = w.task_id AND t.attempt = w.attempt
     WHERE w.kind = 'children' AND t.status = 'pending' AND t.parked
       AND (%(task_types)s::text[] IS NULL OR t.task_type = ANY (%(task_types)s::text[]))
       AND labels_suffice(t.agent_id, %(labels)s::text[]) AND NOT has_open_children(t.id) LIMIT 1),
    NOT EXISTS (
        SELECT FROM agent_tasks t
        WHERE t.status = 'pending' AND t.parked AND t.task_type <> 'notification' AND (t.retry_count > 0 OR t.scheduled_for <= oppspot_now())
          AND (%(task_types)s::text[] IS NULL OR t.task_type = ANY (%(task_types)s::text[]))
          AND labels_suffice(t.agent_id, %(labels)s::text[])
          AND NOT EXISTS (SELECT FROM task_waits w WHERE w.task_id = t.id AND w.attempt = t.attempt AND t.scheduled_for > oppspot_now()))) AS drained
