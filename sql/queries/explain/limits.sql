-- The limits on a task but for a breaker, each with what runs under it now, what its bucket holds, and the statement that
-- would let more through. They are found as claims find them: an agent's own replaces that of the code of
-- its type, a key's own that of all keys.
WITH task AS MATERIALIZED (
    SELECT t.agent_id, t.limit_key, t.task_type, a.agent_type, coalesce(t.org_id, a.org_id) AS org_id
    FROM agent_tasks t LEFT JOIN ai_agents a ON a.id = t.agent_id WHERE t.id = %(task_id)s
), bound AS MATERIALIZED (
    SELECT l.*, t.limit_key, limit_tokens(l) AS held,
           l.concurrency IS NOT NULL AND (l.source <> 'code' OR o.concurrency IS NULL) AS caps,
           l.rate IS NOT NULL AND (l.source <> 'code' OR o.rate IS NULL) AS slows
    FROM task t CROSS JOIN LATERAL limit_names(t.agent_id, t.agent_type, t.task_type, t.org_id) n
    JOIN task_limits l ON l.scope = n.scope AND l.key = n.key AND l.scope <> 'breaker'
    LEFT JOIN task_limits o ON o.scope = 'agent' AND o.key = t.agent_id::text
    UNION ALL
    (SELECT l.*, t.limit_key, NULL, l.concurrency IS NOT NULL, false
     FROM task t JOIN task_limits l ON l.scope = 'key' AND l.key IN (t.limit_key, '*') AND l.concurrency IS NOT NULL
     WHERE t.limit_key IS NOT NULL ORDER BY l.key = '*' LIMIT 1)
)
SELECT b.scope, CASE WHEN b.scope = 'key' THEN b.limit_key ELSE coalesce(a.name, b.key) END AS name,
       CASE WHEN b.caps THEN b.concurrency END AS concurrency, r.running, r.holders,
       CASE WHEN b.slows THEN b.rate END AS rate, b.held AS tokens, (1 - b.held) / b.rate AS next_s,
       CASE WHEN b.source = 'configuration'
            THEN format('UPDATE ai_agents SET configuration = configuration || %%L WHERE id = %%L;',
                        jsonb_build_object('concurrency', b.concurrency + 1), b.key)
            ELSE format('UPDATE task_limits SET concurrency = %%s WHERE scope = %%L AND key = %%L;', b.concurrency + 1, b.scope, b.key)
       END AS more_at_once,
       CASE WHEN b.source = 'configuration'
            THEN format('UPDATE ai_agents SET configuration = configuration || %%L WHERE id = %%L;',
                        jsonb_build_object('rate', round((b.rate * 2)::numeric, 6) || '/s'), b.key)
            ELSE format('UPDATE task_limits SET rate = rate * 2 WHERE scope = %%L AND key = %%L;', b.scope, b.key)
       END AS more_often
FROM bound b
LEFT JOIN ai_agents a ON b.scope = 'agent' AND a.id::text = b.key
CROSS JOIN LATERAL (
    SELECT count(*)::integer AS running, (array_agg(p.id ORDER BY p.started_at))[1:3] AS holders
    FROM agent_tasks p LEFT JOIN ai_agents pa ON pa.id = p.agent_id
    WHERE p.status = 'processing' AND CASE b.scope
        WHEN 'agent' THEN p.agent_id::text = b.key
        WHEN 'type' THEN b.key IN (p.task_type, pa.agent_type)
        WHEN 'org' THEN coalesce(p.org_id, pa.org_id)::text = b.key
        ELSE p.limit_key = b.limit_key END
      AND NOT (b.source = 'code' AND EXISTS (
          SELECT FROM task_limits o WHERE o.scope = 'agent' AND o.key = p.agent_id::text AND o.concurrency IS NOT NULL))) r
WHERE b.caps OR b.slows
ORDER BY b.scope, b.key
