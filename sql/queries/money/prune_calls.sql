-- Calls past their time, but for those of tasks that are not over: a limit of the task still counts them.
DELETE FROM model_calls WHERE ctid = ANY (ARRAY(
    SELECT c.ctid FROM model_calls c
    WHERE c.started_at < oppspot_now() - make_interval(secs => %(keep_s)s) AND c.status <> 'started'
      AND NOT EXISTS (SELECT FROM agent_tasks t WHERE t.id = c.task_id AND t.status IN ('pending', 'processing'))
    LIMIT 5000 FOR UPDATE OF c SKIP LOCKED))
