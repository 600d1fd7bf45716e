-- Takes over attempts whose runner is gone and whose bodies are not: token and number of the attempt stay, because
-- the body writes by them. Asked after rescue, which ends the leases of the dead. The old runner, should it live, can
-- write no end: those name the runner too.
WITH orphaned AS MATERIALIZED (
    SELECT t.id, h.handle
    FROM task_handoffs h JOIN agent_tasks t ON t.id = h.task_id AND t.run_token = h.run_token
    WHERE h.backend = ANY (%(backends)s::text[]) AND h.companions = '{}'
      AND NOT EXISTS (SELECT FROM task_runners r WHERE r.id = t.runner_id AND r.lease_until > oppspot_now())
    ORDER BY t.id LIMIT 100 FOR NO KEY UPDATE OF t SKIP LOCKED
), taken AS (
    UPDATE agent_tasks t SET runner_id = %(runner_id)s FROM orphaned o WHERE t.id = o.id
)
UPDATE task_handoffs h SET runner_id = %(runner_id)s FROM orphaned o WHERE h.handle = o.handle
RETURNING h.handle, h.task_id, h.run_token, h.backend
