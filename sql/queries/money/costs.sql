-- What calls cost, summed up by one property of them; without one, all in one row. Calls that were lost and
-- calls without a known price are no part of the cost.
WITH given AS (
    SELECT c.*, CASE %(by)s::text
        WHEN 'model' THEN c.model WHEN 'agent' THEN c.agent_id::text WHEN 'stream' THEN c.stream_id::text
        WHEN 'org' THEN c.org_id::text WHEN 'run' THEN c.run_id::text WHEN 'task' THEN c.task_id::text
        WHEN 'tool' THEN c.tool WHEN 'attempt' THEN c.task_id || ' ' || c.attempt
        WHEN 'day' THEN ((c.started_at AT TIME ZONE 'UTC')::date)::text END AS key
    FROM model_calls c
    WHERE c.started_at >= coalesce(%(since)s::timestamptz, '-infinity') AND c.started_at < coalesce(%(until)s::timestamptz, 'infinity')
), summed AS (
    SELECT g.key, count(*) AS calls, count(*) FILTER (WHERE g.status = 'failed') AS failed_calls,
           sum(g.input_tokens)::bigint AS input_tokens, sum(g.output_tokens)::bigint AS output_tokens,
           coalesce(sum(g.cost_usd), 0) AS cost_usd,
           count(*) FILTER (WHERE g.status = 'finished' AND g.cost_usd IS NULL) AS unpriced_calls,
           count(*) FILTER (WHERE g.status = 'lost') AS lost_calls,
           coalesce(sum(g.estimate_usd) FILTER (WHERE g.status = 'lost'), 0) AS lost_usd
    FROM given g GROUP BY g.key
)
SELECT s.key, CASE %(by)s::text
    WHEN 'agent' THEN (SELECT a.name FROM ai_agents a WHERE a.id::text = s.key)
    WHEN 'stream' THEN (SELECT t.name FROM streams t WHERE t.id::text = s.key)
    WHEN 'org' THEN (SELECT o.name FROM organizations o WHERE o.id::text = s.key) END AS name,
    s.calls, s.failed_calls, s.input_tokens, s.output_tokens, s.cost_usd, s.unpriced_calls, s.lost_calls, s.lost_usd
FROM summed s
ORDER BY CASE %(by)s::text WHEN 'day' THEN s.key END DESC, s.cost_usd DESC, s.calls DESC, s.key
LIMIT %(most)s
