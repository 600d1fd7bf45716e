-- Tasks in our name that no attempt of ours runs: the answer of a claim got lost on its way. Nothing of
-- them was begun: the attempt gets its number back, and its row of agent_executions if one was promised.
-- Where a body runs elsewhere, the answer of an adoption got lost, or we stop and left it: it goes on and writes by
-- the number of its attempt. The task becomes that of runner 0, which there is not, so that any runner with its backend
-- adopts it at its next look.
-- Locked in the order of their ids, as everywhere.
WITH ours AS MATERIALIZED (
    SELECT t.id, t.run_token FROM agent_tasks t
    WHERE t.runner_id = %(runner_id)s AND t.run_token = ANY (%(tokens)s::bigint[]) AND t.status = 'processing'
    ORDER BY t.id FOR NO KEY UPDATE
), elsewhere AS MATERIALIZED (
    -- Our bodies, and those that we left: found by the runner, because nothing finds them by the task alone.
    SELECT b.handle, o.id FROM ours o
    JOIN task_handoffs b ON b.runner_id = %(runner_id)s AND b.task_id = o.id AND b.run_token = o.run_token AND b.companions = '{}'
    UNION ALL
    SELECT b.handle, o.id FROM ours o
    JOIN task_handoffs b ON b.runner_id IS NULL AND b.task_id = o.id AND b.run_token = o.run_token AND b.companions = '{}'
), unawaited AS (
    UPDATE task_handoffs SET runner_id = NULL WHERE handle = ANY (ARRAY(SELECT handle FROM elsewhere))
), left_to_others AS (
    UPDATE agent_tasks SET runner_id = 0 WHERE id = ANY (ARRAY(SELECT id FROM elsewhere))
)
UPDATE agent_tasks SET status = 'pending', run_token = NULL, runner_id = NULL, attempt = attempt - 1, parked = false, held = false
WHERE id = ANY (ARRAY(SELECT id FROM ours)) AND id <> ALL (ARRAY(SELECT id FROM elsewhere))
