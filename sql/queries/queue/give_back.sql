-- Tasks in our name that no attempt of ours runs: the answer of a claim got lost on its way. Nothing of
-- them was begun, so nothing is charged.
UPDATE agent_tasks SET status = 'pending', run_token = NULL, runner_id = NULL, execution_id = NULL, parked = false
WHERE runner_id = %(runner_id)s AND run_token = ANY (%(tokens)s::bigint[]) AND status = 'processing'
