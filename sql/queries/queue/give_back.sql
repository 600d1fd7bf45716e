-- Tasks in our name that no attempt of ours runs: the answer of a claim got lost on its way. Nothing of
-- them was begun: the attempt gets its number back, and its row of agent_executions if one was promised.
-- Locked in the order of their ids, as everywhere.
UPDATE agent_tasks SET status = 'pending', run_token = NULL, runner_id = NULL, attempt = attempt - 1, parked = false, held = false
WHERE id = ANY (ARRAY(
    SELECT t.id FROM agent_tasks t
    WHERE t.runner_id = %(runner_id)s AND t.run_token = ANY (%(tokens)s::bigint[]) AND t.status = 'processing'
    ORDER BY t.id FOR NO KEY UPDATE))
