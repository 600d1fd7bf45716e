-- Locked in one order first: two finishers that count for the same assignments must not cross. How far
-- their streams are is counted with them.
WITH given AS MATERIALIZED (
    SELECT s AS stream_id, a AS agent_id, count(*)::integer AS times
    FROM unnest(%(stream_ids)s::uuid[], %(agent_ids)s::uuid[]) AS g (s, a) GROUP BY s, a
), locked AS MATERIALIZED (
    SELECT x.id, g.times FROM stream_agent_assignments x
    JOIN given g ON g.stream_id = x.stream_id AND g.agent_id = x.agent_id
    ORDER BY x.id FOR NO KEY UPDATE OF x
), counted AS (
    UPDATE stream_agent_assignments x
    SET total_executions = coalesce(x.total_executions, 0) + l.times, last_executed_at = oppspot_now()
    FROM locked l WHERE x.id = l.id
)
SELECT keep_stream_progress(ARRAY(SELECT DISTINCT stream_id FROM given))
