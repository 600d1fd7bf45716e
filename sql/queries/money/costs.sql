-- What calls cost, summed up by one property of them, after a first row with all together. Calls that were lost and
-- calls without a known price are no part of the cost. Whole days come from sums, which do not know a task; days without
-- them, and the hours before the first whole day and after the last one, from the calls themselves. These are not asked
-- of costs_by_day: of calls that are not summed up yet it would read all.
WITH asked AS NOT MATERIALIZED (
    SELECT x.since, x.until, x.days, x.first, x.last,
           CASE WHEN x.days THEN x.first::timestamp AT TIME ZONE 'UTC' ELSE x.until END AS first_at,
           CASE WHEN x.days THEN least(greatest(x.first, (SELECT u.day FROM model_cost_days_until u)), x.last)::timestamp AT TIME ZONE 'UTC'
                ELSE x.until END AS later_at
    FROM (SELECT y.*, y.first < y.last AND %(by)s::text NOT IN ('run', 'task', 'tool', 'attempt') AS days
          FROM (SELECT z.since, z.until, (z.until AT TIME ZONE 'UTC')::date AS last,
                       (z.since AT TIME ZONE 'UTC')::date + CASE WHEN date_trunc('day', z.since, 'UTC') < z.since THEN 1 ELSE 0 END AS first
                FROM (SELECT coalesce(%(since)s::timestamptz, '-infinity') AS since,
                             coalesce(%(until)s::timestamptz, 'infinity') AS until) z) y) x
), given AS (
    SELECT CASE %(by)s::text
        WHEN 'model' THEN d.model WHEN 'agent' THEN d.agent_id::text WHEN 'stream' THEN d.stream_id::text
        WHEN 'org' THEN d.org_id::text WHEN 'day' THEN d.day::text END AS key,
        d.calls, d.failed_calls, d.input_tokens, d.output_tokens, d.cost_usd, d.unpriced_calls, d.lost_calls, d.lost_usd
    FROM asked a, model_cost_days d WHERE a.days AND d.day >= a.first AND d.day < a.last
      AND d.day < (SELECT u.day FROM model_cost_days_until u)
    UNION ALL
    SELECT CASE %(by)s::text
        WHEN 'model' THEN c.model WHEN 'agent' THEN c.agent_id::text WHEN 'stream' THEN c.stream_id::text
        WHEN 'org' THEN c.org_id::text WHEN 'run' THEN c.run_id::text WHEN 'task' THEN c.task_id::text
        WHEN 'tool' THEN c.tool WHEN 'attempt' THEN c.task_id || ' ' || c.attempt
        WHEN 'day' THEN ((c.started_at AT TIME ZONE 'UTC')::date)::text END,
        count(*), count(*) FILTER (WHERE c.status = 'failed'), sum(c.input_tokens), sum(c.output_tokens), sum(c.cost_usd),
        count(*) FILTER (WHERE c.status = 'finished' AND c.cost_usd IS NULL), count(*) FILTER (WHERE c.status = 'lost'),
        sum(c.estimate_usd) FILTER (WHERE c.status = 'lost')
    FROM asked a, model_calls c
    WHERE (c.started_at >= a.since AND c.started_at < a.first_at) OR (c.started_at >= a.later_at AND c.started_at < a.until)
    GROUP BY 1
), summed AS (
    SELECT grouping(g.key) = 1 AS is_total, g.key, sum(g.calls)::bigint AS calls, sum(g.failed_calls)::bigint AS failed_calls,
           sum(g.input_tokens)::bigint AS input_tokens, sum(g.output_tokens)::bigint AS output_tokens,
           coalesce(sum(g.cost_usd), 0) AS cost_usd, sum(g.unpriced_calls)::bigint AS unpriced_calls,
           sum(g.lost_calls)::bigint AS lost_calls, coalesce(sum(g.lost_usd), 0) AS lost_usd
    FROM given g GROUP BY GROUPING SETS ((g.key), ()) HAVING sum(g.calls) > 0
)
SELECT s.is_total, s.key, CASE %(by)s::text
    WHEN 'agent' THEN (SELECT a.name FROM ai_agents a WHERE a.id::text = s.key)
    WHEN 'stream' THEN (SELECT t.name FROM streams t WHERE t.id::text = s.key)
    WHEN 'org' THEN (SELECT o.name FROM organizations o WHERE o.id::text = s.key) END AS name,
    s.calls, s.failed_calls, s.input_tokens, s.output_tokens, s.cost_usd, s.unpriced_calls, s.lost_calls, s.lost_usd
FROM summed s
ORDER BY s.is_total DESC, CASE %(by)s::text WHEN 'day' THEN s.key END DESC, s.cost_usd DESC, s.calls DESC, s.key
LIMIT %(most)s + 1
