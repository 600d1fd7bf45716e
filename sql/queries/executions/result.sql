-- What a task has used of models, and the tool whose failure its error tells of. A cost is NULL when that of one
-- call is not known.
SELECT m.tokens, CASE WHEN m.unpriced THEN NULL ELSE m.cost_usd END AS cost_usd, (
    SELECT c.tool FROM tool_calls c
    WHERE c.started_at >= t.created_at AND c.task_id = t.id AND c.code IS NOT NULL
      AND starts_with(t.error_message, c.code || ':')
    ORDER BY c.started_at DESC LIMIT 1) AS tool
FROM agent_tasks t CROSS JOIN LATERAL (
    SELECT coalesce(sum(c.input_tokens + c.output_tokens), 0)::bigint AS tokens,
           coalesce(sum(c.cost_usd), 0)::float8 AS cost_usd,
           coalesce(bool_or(c.cost_usd IS NULL), false) AS unpriced
    FROM model_calls c WHERE c.task_id = t.id) m
WHERE t.id = %(task_id)s
