-- Each limit with what runs under it now, counted as claims count: tasks of agents with a number of their
-- own do not count under that of their code. Of the key * nothing is counted: it is one for each key. Those
-- that breakers make are shown with them.
WITH running AS MATERIALIZED (
    SELECT m.scope, m.key, count(*) AS n, count(*) FILTER (WHERE o.key IS NULL) AS without_own
    FROM agent_tasks t LEFT JOIN ai_agents a ON a.id = t.agent_id
    LEFT JOIN task_limits o ON o.scope = 'agent' AND o.key = t.agent_id::text AND o.concurrency IS NOT NULL
    CROSS JOIN LATERAL (
        SELECT scope, key FROM limit_names(t.agent_id, a.agent_type, t.task_type, coalesce(t.org_id, a.org_id))
        UNION ALL SELECT 'key', t.limit_key) m
    WHERE t.status = 'processing'
    GROUP BY 1, 2
)
SELECT l.scope, l.key, coalesce(a.name, g.name) AS name, l.concurrency, l.rate, l.burst, l.weight, l.source,
       CASE WHEN l.rate IS NOT NULL THEN limit_tokens(l) END AS tokens,
       CASE WHEN l.scope <> 'key' OR l.key <> '*'
            THEN coalesce(CASE WHEN l.source = 'code' THEN r.without_own ELSE r.n END, 0) END AS running
FROM task_limits l
LEFT JOIN running r ON r.scope = l.scope AND r.key = l.key
LEFT JOIN ai_agents a ON l.scope = 'agent' AND a.id::text = l.key
LEFT JOIN organizations g ON l.scope = 'org' AND g.id::text = l.key
WHERE l.scope <> 'breaker'
ORDER BY l.scope, name, l.key
