-- The pauses that hold a task: the same three conditions as in a claim.
SELECT p.scope, p.key, p.reason, p.paused_at,
       coalesce(CASE p.scope WHEN 'agent' THEN a.name WHEN 'org' THEN g.name END, p.key) AS name
FROM agent_tasks t
LEFT JOIN ai_agents a ON a.id = t.agent_id
JOIN task_pauses p ON (p.scope = 'agent' AND p.key = t.agent_id::text)
    OR (p.scope = 'type' AND p.key IN (t.task_type, a.agent_type))
    OR (p.scope = 'org' AND p.key = coalesce(t.org_id, a.org_id)::text)
LEFT JOIN organizations g ON g.id = coalesce(t.org_id, a.org_id)
WHERE t.id = %(task_id)s
ORDER BY p.scope, p.key
