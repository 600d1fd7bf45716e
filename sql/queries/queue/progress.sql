-- Not in any index, so this update touches the heap only. By the key and the token alone: see hold.
UPDATE agent_tasks SET progress = %(progress)s::jsonb
WHERE id = %(task_id)s AND run_token = %(run_token)s
RETURNING cancel_requested_at IS NOT NULL AS cancelled
