-- Each limit with what runs under it now. Of the key * nothing is counted: it is one for each key.
SELECT l.scope, l.key, a.name AS agent_name, l.concurrency, l.rate, l.burst, l.weight, l.source,
       CASE WHEN l.rate IS NOT NULL THEN limit_tokens(l) END AS tokens,
       CASE WHEN l.key <> '*' THEN (
           SELECT count(*) FROM agent_tasks t LEFT JOIN ai_agents b ON b.id = t.agent_id
           WHERE t.status = 'processing' AND CASE l.scope
               WHEN 'agent' THEN t.agent_id::text = l.key
               WHEN 'type' THEN l.key IN (t.task_type, b.agent_type)
               WHEN 'org' THEN coalesce(t.org_id, b.org_id)::text = l.key
               ELSE t.limit_key = l.key END) END AS running
FROM task_limits l LEFT JOIN ai_agents a ON l.scope = 'agent' AND a.id::text = l.key
ORDER BY l.scope, l.key
