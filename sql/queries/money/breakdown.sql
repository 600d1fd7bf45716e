-- What calls of models cost since then, by day, model, agent and stream, in one look at them. Calls that were lost and
-- calls without a known price are no part of the cost.
WITH given AS (
    SELECT (c.started_at AT TIME ZONE 'UTC')::date AS day, c.model, c.agent_id, c.stream_id, c.status, c.cost_usd,
           coalesce(c.input_tokens, 0) + coalesce(c.output_tokens, 0) AS tokens
    FROM model_calls c WHERE c.started_at >= %(since)s
), summed AS (
    SELECT CASE 0 WHEN grouping(g.day) THEN 'day' WHEN grouping(g.model) THEN 'model' WHEN grouping(g.agent_id) THEN 'agent'
                  WHEN grouping(g.stream_id) THEN 'stream' ELSE 'all' END AS by,
           coalesce(g.day::text, g.model, g.agent_id::text, g.stream_id::text) AS key,
           count(*) AS calls, count(*) FILTER (WHERE g.status = 'failed') AS failed_calls, sum(g.tokens)::bigint AS tokens,
           coalesce(sum(g.cost_usd), 0) AS cost_usd,
           count(*) FILTER (WHERE g.status = 'lost' OR (g.status = 'finished' AND g.cost_usd IS NULL)) AS unknown_calls
    FROM given g GROUP BY GROUPING SETS ((g.day), (g.model), (g.agent_id), (g.stream_id), ())
)
SELECT s.*, CASE s.by WHEN 'agent' THEN (SELECT a.name FROM ai_agents a WHERE a.id::text = s.key)
                      WHEN 'stream' THEN (SELECT t.name FROM streams t WHERE t.id::text = s.key) END AS name
FROM (SELECT m.*, row_number() OVER (PARTITION BY m.by ORDER BY CASE m.by WHEN 'day' THEN m.key END DESC, m.cost_usd DESC, m.calls DESC, m.key) AS place
      FROM summed m) s
WHERE s.place <= %(most)s
ORDER BY s.by, s.place
