-- Agents whose newest failed tasks say that somebody has to do something, with how many tasks wait for that.
SELECT t.agent_id, coalesce(a.name, a.agent_type, t.agent_id::text) AS agent_name, count(*) AS tasks,
       (array_agg(t.error_message ORDER BY t.id DESC))[1] AS error, max(t.finished_at) AS failed_at
FROM (
    SELECT f.id, f.agent_id, f.error_message, f.finished_at FROM agent_tasks f
    WHERE f.status = 'failed' ORDER BY f.id DESC LIMIT %(most)s
) t JOIN ai_agents a ON a.id = t.agent_id
WHERE split_part(t.error_message, ':', 1) = ANY (%(codes)s::text[]) AND NOT starts_with(t.error_message, %(pages)s::text)
GROUP BY t.agent_id, a.name, a.agent_type
ORDER BY failed_at DESC, t.agent_id
