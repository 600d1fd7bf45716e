-- Those whose attempt has ended, or was taken away, as far as a look of a runner can tell without asking for all:
-- bodies that ended, and those that no living runner waits for, between whose ids they are. The rest is found by
-- prune. What somebody else sweeps, or a worker writes just now, is left alone.
WITH gaps AS MATERIALIZED (
    SELECT lag(a.id, 1, -9223372036854775807) OVER (ORDER BY a.id) AS above, a.id AS below
    FROM (SELECT r.id FROM task_runners r WHERE r.lease_until > oppspot_now()
          UNION ALL SELECT 9223372036854775807) a
), likely AS MATERIALIZED (
    SELECT h.handle FROM task_handoffs h WHERE h.ended_at IS NOT NULL
    UNION
    SELECT h.handle FROM task_handoffs h WHERE h.runner_id IS NULL
    UNION
    SELECT h.handle FROM gaps g CROSS JOIN LATERAL (
        SELECT b.handle FROM task_handoffs b WHERE b.runner_id > g.above AND b.runner_id < g.below OFFSET 0) h
), over AS MATERIALIZED (
    SELECT h.handle FROM task_handoffs h WHERE h.handle = ANY (ARRAY(SELECT handle FROM likely)) AND NOT EXISTS (
        SELECT FROM agent_tasks t
        WHERE t.id = ANY (h.task_id || h.companions) AND t.run_token = ANY (h.run_token || h.companion_tokens))
    FOR UPDATE OF h SKIP LOCKED
)
DELETE FROM task_handoffs h WHERE h.handle = ANY (ARRAY(SELECT handle FROM over))
