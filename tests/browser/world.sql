-- A day of work that a team might have behind it. All of it follows from the time and nothing else.

-- Who works here.
INSERT INTO ai_agents (name, agent_type, configuration, schedule_cron, schedule_timezone)
VALUES ('Weekly digest', 'weekly_digest', '{"channel": "#sales"}', '0 7 * * mon', 'Europe/London'),
       ('CRM sync', 'crm_sync', '{"crm": "crm.example", "api_key": "sk-not-to-be-shown-12345678"}',
        '*/15 * * * *', 'UTC'),
       ('Market report', 'market_report', '{}', NULL, 'UTC'),
       ('Follow up', 'follow_up', '{}', NULL, 'UTC');

-- Ended work of a day: every 23rd task failed, every 41st was cancelled.
WITH made AS (
    SELECT n, oppspot_now() - make_interval(secs => 86000 * (n / 420.0)^1.2 + 40 + n * 7919 % 1500) AS ended,
           CASE WHEN n % 23 = 0 THEN 'failed' WHEN n % 41 = 0 THEN 'cancelled'
                ELSE 'completed' END AS status,
           150 + (n * 7919 % 4700) AS took_ms
    FROM generate_series(1, 420) n
), tasks AS (
    INSERT INTO agent_tasks (id, agent_id, status, priority, payload, attempt, retry_count,
        created_at, scheduled_for, started_at, finished_at, requested_by, error_message, cancel_reason)
    SELECT (lpad(to_hex((extract(epoch FROM m.ended - make_interval(secs => 6)) * 1000)::bigint), 12, '0')
            || '7' || right(md5(m.n::text), 19))::uuid,
           a.id, m.status, 5 + (m.n % 3), jsonb_build_object('account', 1000 + m.n, 'days', 7),
           CASE m.status WHEN 'failed' THEN 2 WHEN 'cancelled' THEN 0 ELSE 1 END,
           CASE m.status WHEN 'failed' THEN 1 ELSE 0 END,
           m.ended - make_interval(secs => 6), m.ended - make_interval(secs => 6),
           m.ended - make_interval(secs => m.took_ms / 1000.0), m.ended,
           (ARRAY['cron', 'jane@northwind.example', 'api'])[1 + m.n % 3],
           CASE WHEN m.status <> 'failed' THEN NULL
                WHEN m.n % 3 = 0 THEN 'ReadTimeout: crm.example did not answer within 10 s (request '
                    || left(md5(m.n::text), 8) || ')'
                WHEN m.n % 3 = 1 THEN 'QUOTA_EXCEEDED: crm.example: 429 after 3 tries, account ' || 1000 + m.n
                ELSE 'ValueError: contact ' || 1000 + m.n || ' has no owner' END,
           CASE m.status WHEN 'cancelled' THEN 'superseded by a newer digest' END
    FROM made m JOIN ai_agents a
        ON a.name = CASE WHEN m.n % 23 = 0 OR m.n % 4 = 0 THEN 'CRM sync' ELSE 'Weekly digest' END
    RETURNING *
)
INSERT INTO agent_executions (id, task_id, agent_id, attempt, status, started_at, completed_at,
    duration_ms, input_data, output_data, results_summary, error_message, metrics, created_at)
SELECT (left(t.id::text, 13) || '-7' || right(md5(t.id::text || x.attempt), 3) || '-8' || right(md5(t.id::text), 3)
        || '-' || right(md5(x.attempt || t.id::text), 12))::uuid,
       t.id, t.agent_id, x.attempt, t.status, t.started_at - make_interval(secs => 2 * (t.attempt - x.attempt)),
       t.finished_at - make_interval(secs => 2 * (t.attempt - x.attempt)),
       (extract(epoch FROM t.finished_at - t.started_at) * 1000)::integer, t.payload,
       CASE t.status WHEN 'completed' THEN '{"days": 7, "synced": 12}'::jsonb END,
       CASE t.status WHEN 'completed' THEN '{"days": 7, "synced": 12}'::jsonb END, t.error_message,
       '{"wait_ms": 420, "run_ms": 1800, "steps": 2, "api_calls": 3}', t.finished_at
FROM tasks t CROSS JOIN LATERAL generate_series(1, t.attempt) AS x (attempt);

-- What models cost.
INSERT INTO model_calls (task_id, attempt, run_token, agent_id, step, seq, model, status, cost_usd,
    input_tokens, output_tokens, started_at, finished_at)
SELECT t.id, 1, 0, t.agent_id, 'write', 1, (ARRAY['anthropic:claude-sonnet-4-5', 'openai:gpt-5-mini'])[1 + t.priority % 2],
       'finished', round((0.004 + (t.priority * 0.0017))::numeric, 6), 1800 + t.priority * 211, 420,
       t.started_at, t.finished_at
FROM agent_tasks t JOIN ai_agents a ON a.id = t.agent_id
WHERE a.name = 'Weekly digest' AND t.status = 'completed';

-- What is due later.
INSERT INTO agent_tasks (agent_id, priority, payload, scheduled_for, requested_by)
SELECT a.id, 4 + n % 4, jsonb_build_object('account', 2000 + n), oppspot_now() + make_interval(hours => n),
       'jane@northwind.example'
FROM generate_series(1, 9) n JOIN ai_agents a ON a.name = 'Weekly digest';

-- What a runner takes as soon as there is one.
INSERT INTO agent_tasks (agent_id, payload, requested_by)
SELECT id, CASE name WHEN 'CRM sync' THEN '{"account": 1041}'::jsonb ELSE '{"region": "South West"}' END,
       'jane@northwind.example'
FROM ai_agents WHERE name IN ('CRM sync', 'Market report', 'Follow up');

-- What was agreed: how much at once, for how much money, who is told, and who changed what.
INSERT INTO task_limits (scope, key, concurrency) VALUES ('type', 'enrichment_agent', 2);
SELECT set_budget('agent', id, 5.00, 'day') FROM ai_agents WHERE name = 'Weekly digest';
INSERT INTO notification_rules (name, event, channel, target) VALUES ('approvals', 'approval_waiting', 'email', 'ops@northwind.example');
INSERT INTO audit_log (at, actor, address, action, kind, target, before, after)
SELECT oppspot_now() - make_interval(mins => 7 * n), (ARRAY['jane', 'deploy', 'ops'])[1 + n % 3], '127.0.0.1',
       (ARRAY['task.retry', 'schedule.pause', 'draft.approve', 'agent.update'])[1 + n % 4],
       (ARRAY['task', 'schedule', 'draft', 'agent'])[1 + n % 4], a.id, '{"status": "failed"}', '{"status": "pending"}'
FROM generate_series(1, 8) n, (SELECT id FROM ai_agents WHERE name = 'CRM sync') a;
