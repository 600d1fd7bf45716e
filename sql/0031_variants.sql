-- Variants of agents beside each other: which one succeeds, at what cost, how fast, with which score.

-- Attempts with an end of their own: what was given back, snoozed or cancelled says nothing of the variant.
CREATE VIEW variant_performance AS
SELECT e.agent_id, e.metrics ->> 'variant' AS variant, count(*)::integer AS attempts,
       count(*) FILTER (WHERE e.status = 'completed')::integer AS completed,
       avg(x.cost) AS avg_cost_usd, stddev_samp(x.cost) AS dev_cost_usd, count(x.cost)::integer AS costs,
       avg(e.duration_ms) AS avg_duration_ms, stddev_samp(e.duration_ms) AS dev_duration_ms,
       avg(x.score) AS avg_score, stddev_samp(x.score) AS dev_score, count(x.score)::integer AS scores,
       min(e.started_at) AS first_run_at, max(e.started_at) AS last_run_at
FROM agent_executions e
CROSS JOIN LATERAL (SELECT
    CASE WHEN jsonb_typeof(e.metrics -> 'cost_usd') = 'number' THEN (e.metrics ->> 'cost_usd')::numeric END AS cost,
    CASE WHEN e.status = 'completed' AND jsonb_typeof(e.results_summary -> 'score') = 'number'
         THEN (e.results_summary ->> 'score')::numeric END AS score) x
WHERE e.metrics ? 'variant' AND e.status IN ('completed', 'failed')
GROUP BY 1, 2;
COMMENT ON VIEW variant_performance IS
    'A row for each variant of an agent: attempts that completed or failed, their costs, durations (ms) and scores.';
COMMENT ON COLUMN variant_performance.dev_cost_usd IS 'Standard deviation of the sample; as the other dev_ columns.';
COMMENT ON COLUMN variant_performance.costs IS 'How many attempts have a known cost.';
COMMENT ON COLUMN variant_performance.avg_score IS 'Of the number `score` in the outputs; NULL without one.';

INSERT INTO oppspot_migrations (number, name, breaking, applied_at)
VALUES (31, 'variants', false, oppspot_now());
