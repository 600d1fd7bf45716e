-- A call that an earlier attempt began is made again by this one; fenced by the token.
UPDATE tool_calls c SET attempt = t.attempt FROM agent_tasks t
WHERE c.id = %(id)s AND t.id = %(task_id)s AND t.run_token = %(run_token)s
RETURNING c.id, c.key, c.attempt
