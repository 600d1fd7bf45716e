-- How many tasks there are of each status, type, agent and stream, among the newest %(look)s of those that an index
-- finds. Each is counted without its own filter, so that people see what else they could choose.
WITH looked AS MATERIALIZED (
    SELECT l.status, l.task_type, l.agent_id, l.stream_id,
           %(statuses)s::text[] IS NULL OR l.status = ANY (%(statuses)s::text[]) AS by_status,
           %(task_type)s::text IS NULL OR l.task_type = %(task_type)s::text AS by_type,
           %(agents)s::uuid[] IS NULL OR l.agent_id = ANY (%(agents)s::uuid[]) AS by_agent,
           %(stream_id)s::uuid IS NULL OR l.stream_id = %(stream_id)s::uuid AS by_stream,
           (%(limit_key)s::text IS NULL OR l.limit_key = %(limit_key)s::text)
           AND (%(requested_by)s::text IS NULL OR l.requested_by = %(requested_by)s::text)
           AND (%(created_after)s::timestamptz IS NULL OR l.created_at >= %(created_after)s::timestamptz)
           AND (%(created_before)s::timestamptz IS NULL OR l.created_at < %(created_before)s::timestamptz)
           AND (%(finished_after)s::timestamptz IS NULL OR l.finished_at >= %(finished_after)s::timestamptz)
           AND (%(finished_before)s::timestamptz IS NULL OR l.finished_at < %(finished_before)s::timestamptz)
           AND (%(text)s::text IS NULL OR l.agent_id = ANY (%(named)s::uuid[])
                OR strpos(lower(l.error_message), %(text)s::text) > 0
                OR (pg_column_size(l.payload) <= %(most_payload)s::integer
                    AND strpos(lower(l.payload::text), %(text)s::text) > 0 AND l.payload::text !~* %(secret)s::text)) AS by_rest
    FROM (
        SELECT t.* FROM agent_tasks t
        WHERE (%(low)s::uuid IS NULL OR t.id BETWEEN %(low)s::uuid AND %(high)s::uuid)
          AND (%(org_id)s::uuid IS NULL OR t.org_id = %(org_id)s::uuid)
          AND (%(run_id)s::uuid IS NULL OR t.run_id = %(run_id)s::uuid)
          AND (%(parent_id)s::uuid IS NULL OR t.parent_task_id = %(parent_id)s::uuid)
          AND (%(runner_id)s::bigint IS NULL OR (t.runner_id = %(runner_id)s::bigint AND t.status = 'processing'))
        ORDER BY t.id DESC LIMIT %(look)s::integer) l
), counted AS (
    SELECT 'status' AS kind, l.status AS value, count(*) AS tasks FROM looked l
    WHERE l.by_rest AND l.by_type AND l.by_agent AND l.by_stream GROUP BY l.status
    UNION ALL
    SELECT 'task_type', l.task_type, count(*) FROM looked l
    WHERE l.by_rest AND l.by_status AND l.by_agent AND l.by_stream GROUP BY l.task_type
    UNION ALL
    SELECT 'agent', l.agent_id::text, count(*) FROM looked l
    WHERE l.by_rest AND l.by_status AND l.by_type AND l.by_stream AND l.agent_id IS NOT NULL GROUP BY l.agent_id
    UNION ALL
    SELECT 'stream', l.stream_id::text, count(*) FROM looked l
    WHERE l.by_rest AND l.by_status AND l.by_type AND l.by_agent AND l.stream_id IS NOT NULL GROUP BY l.stream_id
), ranked AS (
    SELECT c.*, row_number() OVER (PARTITION BY c.kind ORDER BY c.tasks DESC, c.value) AS place FROM counted c
)
SELECT r.kind, r.value, coalesce(a.name, a.agent_type, s.name, r.value) AS name, r.tasks FROM ranked r
LEFT JOIN ai_agents a ON r.kind = 'agent' AND a.id::text = r.value
LEFT JOIN streams s ON r.kind = 'stream' AND s.id::text = r.value
WHERE r.place <= %(most_values)s::integer
UNION ALL
SELECT 'looked', NULL, NULL, count(*) FROM looked
ORDER BY 1, 4 DESC, 2
