-- How agents fared in the newest tasks, a bounded number of all: what ended how, how long it took and what it cost. Attempts are
-- found one by one: a join might read all that ever were. The planner cannot see a limit that is a subquery; where it sees one,
-- it may sort all tasks of an organisation that is larger than it believes.
WITH newest AS MATERIALIZED (
    SELECT t.id, t.agent_id, t.status, t.attempt, t.finished_at FROM agent_tasks t ORDER BY t.id DESC LIMIT (SELECT %(look)s::bigint)
)
SELECT n.agent_id, count(*) AS tasks, count(*) FILTER (WHERE n.status = 'completed') AS completed,
       count(*) FILTER (WHERE n.status = 'failed') AS failed, count(*) FILTER (WHERE n.status = 'processing') AS processing,
       count(*) FILTER (WHERE n.status = 'pending') AS pending, max(n.finished_at) AS last_at,
       percentile_disc(0.5) WITHIN GROUP (ORDER BY e.duration_ms) FILTER (WHERE e.status = 'completed') AS p50_ms,
       percentile_disc(0.95) WITHIN GROUP (ORDER BY e.duration_ms) FILTER (WHERE e.status = 'completed') AS p95_ms,
       avg(CASE jsonb_typeof(e.metrics -> 'cost_usd') WHEN 'number' THEN (e.metrics ->> 'cost_usd')::numeric END) AS cost_usd
FROM newest n LEFT JOIN LATERAL (
    SELECT x.duration_ms, x.status, x.metrics FROM agent_executions x
    WHERE x.task_id = n.id AND x.attempt = n.attempt LIMIT 1) e ON true
GROUP BY n.agent_id
