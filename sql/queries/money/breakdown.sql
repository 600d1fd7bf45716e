-- What calls of models cost from a day of UTC on, by day, model, agent and stream, in one look at them. Calls that were lost
-- and calls without a known price are no part of the cost. As costs_by_day, which would read all calls that are not summed up.
WITH given AS (
    SELECT d.day, d.model, d.agent_id, d.stream_id, d.calls, d.failed_calls, d.input_tokens + d.output_tokens AS tokens, d.cost_usd,
           d.unpriced_calls + d.lost_calls AS unknown_calls
    FROM model_cost_days d WHERE d.day >= %(first)s::date AND d.day < (SELECT u.day FROM model_cost_days_until u)
    UNION ALL
    SELECT (c.started_at AT TIME ZONE 'UTC')::date, c.model, c.agent_id, c.stream_id, count(*),
           count(*) FILTER (WHERE c.status = 'failed'), sum(c.input_tokens + c.output_tokens), sum(c.cost_usd),
           count(*) FILTER (WHERE c.status = 'lost' OR (c.status = 'finished' AND c.cost_usd IS NULL))
    FROM model_calls c
    WHERE c.started_at >= greatest(%(first)s::date, (SELECT u.day FROM model_cost_days_until u))::timestamp AT TIME ZONE 'UTC'
    GROUP BY 1, 2, 3, 4
), summed AS (
    SELECT CASE 0 WHEN grouping(g.day) THEN 'day' WHEN grouping(g.model) THEN 'model' WHEN grouping(g.agent_id) THEN 'agent'
                  WHEN grouping(g.stream_id) THEN 'stream' ELSE 'all' END AS by,
           coalesce(g.day::text, g.model, g.agent_id::text, g.stream_id::text) AS key,
           coalesce(sum(g.calls), 0)::bigint AS calls, coalesce(sum(g.failed_calls), 0)::bigint AS failed_calls,
           sum(g.tokens)::bigint AS tokens, coalesce(sum(g.cost_usd), 0) AS cost_usd,
           coalesce(sum(g.unknown_calls), 0)::bigint AS unknown_calls
    FROM given g GROUP BY GROUPING SETS ((g.day), (g.model), (g.agent_id), (g.stream_id), ())
)
SELECT s.*, CASE s.by WHEN 'agent' THEN (SELECT a.name FROM ai_agents a WHERE a.id::text = s.key)
                      WHEN 'stream' THEN (SELECT t.name FROM streams t WHERE t.id::text = s.key) END AS name
FROM (SELECT m.*, row_number() OVER (PARTITION BY m.by ORDER BY CASE m.by WHEN 'day' THEN m.key END DESC, m.cost_usd DESC, m.calls DESC, m.key) AS place
      FROM summed m) s
WHERE s.place <= %(most)s
ORDER BY s.by, s.place
