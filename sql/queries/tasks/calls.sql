-- Calls of models and tools that the attempts of a task made, the first one first. The time bounds lead to the
-- blocks of tool_calls, which has no index of tasks.
SELECT * FROM (
    (SELECT 'model' AS kind, m.model AS name, m.attempt, m.step, m.status, m.error_code AS code, m.started_at,
            (extract(epoch FROM m.finished_at - m.started_at) * 1000)::bigint AS duration_ms,
            m.cost_usd, m.input_tokens, m.output_tokens, NULL::text AS arguments
     FROM model_calls m WHERE m.task_id = %(task_id)s
     ORDER BY m.started_at DESC LIMIT %(most)s)
    UNION ALL
    (SELECT 'tool', c.tool, c.attempt, c.step, CASE WHEN c.ended_at IS NULL THEN 'started' WHEN c.code IS NULL THEN 'finished' ELSE 'failed' END,
            c.code, c.started_at, (extract(epoch FROM c.ended_at - c.started_at) * 1000)::bigint,
            NULL, NULL, NULL, c.arguments::text
     FROM tool_calls c
     WHERE c.task_id = %(task_id)s AND c.started_at >= %(since)s AND c.started_at <= coalesce(%(until)s::timestamptz, 'infinity')
     ORDER BY c.started_at DESC LIMIT %(most)s)
) c ORDER BY c.started_at, c.kind
