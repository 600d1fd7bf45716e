-- Takes over attempts whose runner is gone and whose bodies are not: token and number of the attempt stay, because
-- the body writes by them. Asked after rescue, which ends the leases of the dead. The old runner, should it live, can
-- write no end: those name the runner too.
-- Who lives is asked for in a list: of a row that another runner adopts meanwhile the new runner is compared, too, as
-- it would not be in a join. A runner does not adopt what it has, also when its own lease is just over.
WITH orphaned AS MATERIALIZED (
    -- Bodies are looked for between the ids of living runners, so that those that somebody waits for cost nothing. That
    -- of their task is compared once more, with a list: another runner may have adopted it meanwhile.
    WITH bounds AS MATERIALIZED (
        SELECT r.id FROM task_runners r WHERE r.lease_until > oppspot_now() OR r.id = %(runner_id)s::bigint
        UNION ALL
        SELECT 9223372036854775807
    ), gaps AS MATERIALIZED (
        SELECT lag(b.id, 1, -9223372036854775807) OVER (ORDER BY b.id) AS above, b.id AS below FROM bounds b
    ), unawaited AS MATERIALIZED (
        SELECT * FROM task_handoffs b WHERE b.runner_id IS NULL
        UNION ALL
        SELECT h.* FROM gaps g CROSS JOIN LATERAL (
            SELECT * FROM task_handoffs b WHERE b.runner_id > g.above AND b.runner_id < g.below OFFSET 0) h
    )
    SELECT t.id, h.handle
    FROM unawaited h JOIN agent_tasks t ON t.id = h.task_id AND t.run_token = h.run_token
    WHERE h.backend = ANY (%(backends)s::text[]) AND h.companions = '{}'
      AND t.runner_id <> ALL (ARRAY(
          SELECT r.id FROM task_runners r WHERE r.lease_until > oppspot_now() OR r.id = %(runner_id)s))
    ORDER BY t.id LIMIT 100 FOR NO KEY UPDATE OF t SKIP LOCKED
), taken AS (
    UPDATE agent_tasks t SET runner_id = %(runner_id)s::bigint WHERE t.id = ANY (ARRAY(SELECT id FROM orphaned))
)
UPDATE task_handoffs h SET runner_id = %(runner_id)s::bigint WHERE h.handle = ANY (ARRAY(SELECT handle FROM orphaned))
RETURNING h.handle, h.task_id, h.run_token, h.backend
