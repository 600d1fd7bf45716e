-- What calls of models cost from a day of UTC on, by day, model, agent and stream, in one look at them. Calls that were lost
-- and calls without a known price are no part of the cost.
WITH summed AS (
    SELECT CASE 0 WHEN grouping(d.day) THEN 'day' WHEN grouping(d.model) THEN 'model' WHEN grouping(d.agent_id) THEN 'agent'
                  WHEN grouping(d.stream_id) THEN 'stream' ELSE 'all' END AS by,
           coalesce(d.day::text, d.model, d.agent_id::text, d.stream_id::text) AS key,
           coalesce(sum(d.calls), 0)::bigint AS calls, coalesce(sum(d.failed_calls), 0)::bigint AS failed_calls,
           sum(d.input_tokens + d.output_tokens)::bigint AS tokens, coalesce(sum(d.cost_usd), 0) AS cost_usd,
           coalesce(sum(d.unpriced_calls + d.lost_calls), 0)::bigint AS unknown_calls
    FROM costs_by_day d WHERE d.day >= %(first)s::date
    GROUP BY GROUPING SETS ((d.day), (d.model), (d.agent_id), (d.stream_id), ())
)
SELECT s.*, CASE s.by WHEN 'agent' THEN (SELECT a.name FROM ai_agents a WHERE a.id::text = s.key)
                      WHEN 'stream' THEN (SELECT t.name FROM streams t WHERE t.id::text = s.key) END AS name
FROM (SELECT m.*, row_number() OVER (PARTITION BY m.by ORDER BY CASE m.by WHEN 'day' THEN m.key END DESC, m.cost_usd DESC, m.calls DESC, m.key) AS place
      FROM summed m) s
WHERE s.place <= %(most)s
ORDER BY s.by, s.place
