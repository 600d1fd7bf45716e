-- What was set for somebody, in an open row where nothing was; `known` where there is such a one.
SELECT EXISTS (SELECT FROM ai_agents a WHERE w.scope = 'agent' AND a.id = w.scope_id)
    OR EXISTS (SELECT FROM streams s WHERE w.scope = 'stream' AND s.id = w.scope_id)
    OR EXISTS (SELECT FROM stream_runs r WHERE w.scope = 'run' AND r.id = w.scope_id)
    OR EXISTS (SELECT FROM agent_tasks t WHERE w.scope = 'task' AND t.id = w.scope_id)
    OR EXISTS (SELECT FROM organizations o WHERE w.scope = 'org' AND o.id = w.scope_id) AS known,
    b.id, w.scope, w.scope_id, w.period, b.limit_usd, b.on_unknown_price
FROM (SELECT %(scope)s::text AS scope, %(scope_id)s::uuid AS scope_id, %(period)s::text AS period) w
LEFT JOIN budgets b ON b.scope = w.scope AND b.scope_id = w.scope_id AND b.period = w.period
