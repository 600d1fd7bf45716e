-- Marks that a call begins which must not be made twice; fenced by the token. Another attempt than the task's: that
-- one began it, and nobody noted its end, or said that it may be made again (settle_tool_call).
INSERT INTO tool_calls AS c (id, tool, arguments, task_id, attempt, step, seq, agent_id, organization_id, key)
SELECT %(id)s, %(tool)s, %(arguments)s::jsonb, t.id, t.attempt, %(name)s, %(seq)s, t.agent_id, %(org_id)s::text, %(key)s
FROM agent_tasks t WHERE t.id = %(task_id)s AND t.run_token = %(run_token)s
FOR NO KEY UPDATE
ON CONFLICT (task_id, step, seq) WHERE key IS NOT NULL DO UPDATE
    SET code = NULL, attempt = CASE c.code WHEN 'REPEAT' THEN excluded.attempt ELSE c.attempt END
RETURNING c.id, c.key, c.attempt
