-- Asked when the runner is told that somebody wants something of it.
SELECT r.desired, ARRAY(SELECT t.run_token FROM agent_tasks t WHERE t.runner_id = r.id AND t.status = 'processing'
                        AND t.cancel_requested_at IS NOT NULL) AS cancelled
FROM task_runners r WHERE r.id = %(runner_id)s
