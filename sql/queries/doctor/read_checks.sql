-- How the health checks are, with the runner that each is for, and how busy that is.
SELECT t.id, t.status, t.error_message, r.id AS runner_id, r.host, r.pid, r.wake, r.slots,
       extract(epoch FROM t.finished_at - t.created_at)::float8 AS took_s,
       (SELECT CASE WHEN bool_or(p.crash_count >= 2) THEN r.slots ELSE count(*) END  -- it runs alone
        FROM agent_tasks p WHERE p.runner_id = r.id AND p.status = 'processing')::integer AS busy
FROM agent_tasks t
LEFT JOIN task_runners r ON t.task_type = 'health_check:' || r.id
WHERE t.id = ANY (%(ids)s::uuid[])
ORDER BY t.task_type
