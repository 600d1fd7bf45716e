-- A call that is known to have failed, and that may be made again by the same step; fenced by the token.
UPDATE tool_calls c SET ended_at = oppspot_now(), code = %(code)s, key = NULL
FROM agent_tasks t
WHERE c.id = %(id)s AND t.id = %(task_id)s AND t.run_token = %(run_token)s
RETURNING c.id
