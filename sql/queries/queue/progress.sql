-- Not in any index, so this update touches the heap only.
UPDATE agent_tasks SET progress = %(progress)s::jsonb
WHERE id = %(task_id)s AND run_token = %(run_token)s AND status = 'processing'
RETURNING cancel_requested_at IS NOT NULL AS cancelled
