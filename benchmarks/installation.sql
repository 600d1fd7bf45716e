-- An installation that has been at work for 30 days, the same in each run but for its ids. Triggers
-- are off: what they would add is written here. Of one hundred organisations the first owns four of
-- five rows. `:tasks` and `:items` are put in by benchmarks/installation.py.
SET session_replication_role = replica;
CREATE FUNCTION pg_temp.id_at(at timestamptz) RETURNS uuid LANGUAGE sql AS $$
    SELECT (lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0') || '7'
        || substr(replace(gen_random_uuid()::text, '-', ''), 14))::uuid $$;
CREATE FUNCTION pg_temp.at(part float8) RETURNS timestamptz LANGUAGE sql AS $$
    SELECT now() - interval '30 days' * (1 - part) $$;

INSERT INTO organizations (name) SELECT 'Organisation ' || n FROM generate_series(1, 100) n;
CREATE TEMP TABLE orgs AS
    SELECT id AS org_id, row_number() OVER (ORDER BY name = 'Organisation 1' DESC, id) AS org FROM organizations;
INSERT INTO ai_agents (org_id, name, agent_type)
    SELECT org_id, 'Agent ' || org || '.' || n,
        (ARRAY['opportunity_bot', 'enrichment_agent', 'scoring_agent', 'llm', 'scout_agent'])[n]
    FROM orgs, generate_series(1, 5) n;
INSERT INTO ai_agents (name, agent_type) SELECT 'Agent ' || n, 'llm' FROM generate_series(1, 5) n;
INSERT INTO streams (org_id, name) SELECT org_id, 'Stream ' || org || '.' || n FROM orgs, generate_series(1, 5) n;
INSERT INTO stream_agent_assignments (stream_id, agent_id, execution_order)
    SELECT s.id, a.id, row_number() OVER (PARTITION BY s.id ORDER BY a.id)
    FROM streams s JOIN ai_agents a USING (org_id);
INSERT INTO schedules (agent_id, expression, timezone, options, is_active, due_at, look_at)
    SELECT id, '0 9 * * *', 'UTC', '{}', true, now() + interval '1 hour', now() + interval '1 hour' FROM ai_agents;
INSERT INTO task_runners (id, host, pid, version, slots, poll_s, lease_s, beat_s, lease_until) OVERRIDING SYSTEM VALUE
    SELECT -n, 'host ' || n, n, '1', 10, 5, 30, 5, now() + interval '1 day' FROM generate_series(1, 20) n;

-- What belongs to which organisation: org 101 is none.
CREATE TEMP TABLE owners AS
    SELECT o.org, o.org_id, coalesce(a.ids, (SELECT array_agg(id) FROM ai_agents WHERE org_id IS NULL)) AS agents,
        s.ids AS streams
    FROM (SELECT org, org_id FROM orgs UNION ALL SELECT 101, NULL) o
    LEFT JOIN (SELECT org_id, array_agg(id) AS ids FROM ai_agents GROUP BY 1) a ON a.org_id = o.org_id
    LEFT JOIN (SELECT org_id, array_agg(id ORDER BY name) AS ids FROM streams GROUP BY 1) s ON s.org_id = o.org_id;
CREATE FUNCTION pg_temp.owner(n bigint) RETURNS bigint LANGUAGE sql AS $$
    SELECT CASE WHEN n % 10 < 8 THEN 1 ELSE 2 + (n * 7) % 100 END $$;

CREATE TEMP TABLE runs AS
    SELECT n, pg_temp.id_at(at) AS id, at, o.org_id, o.agents, o.streams[1 + n % 5] AS stream_id, n % 100 = 99 AS runs
    FROM (SELECT n, pg_temp.at((n - 0.5) / (:tasks / 100)) AS at FROM generate_series(1, :tasks / 100) n) x
    JOIN owners o ON o.org = CASE WHEN n % 10 < 8 THEN 1 ELSE 2 + n % 99 END;
INSERT INTO stream_runs (id, stream_id, org_id, root_agent_id, status, open_nodes, created_at, finished_at, last_event)
    SELECT id, stream_id, org_id, agents[1], CASE WHEN runs THEN 'running' ELSE 'completed' END,
        CASE WHEN runs THEN 1 ELSE 0 END, at, CASE WHEN NOT runs THEN at + interval '1 minute' END, 10 FROM runs;

CREATE TEMP TABLE made AS
    SELECT x.n, pg_temp.id_at(x.at) AS id, pg_temp.id_at(x.at + interval '2 s') AS execution_id, x.at, o.org_id, o.agents[1 + x.n % 5] AS agent_id,
        CASE WHEN r.id IS NULL AND x.n % 3 = 0 THEN o.streams[1 + x.n / 3 % 5] ELSE r.stream_id END AS stream_id, r.id AS run_id,
        CASE WHEN r.id IS NOT NULL THEN CASE WHEN r.runs AND x.n % 100 = 3 THEN 'pending' ELSE 'completed' END
            WHEN x.n % 50 = 10 THEN 'failed' WHEN x.n % 50 = 21 THEN 'cancelled' WHEN x.n % 50 = 32 THEN 'pending'
            ELSE 'completed' END AS status
    FROM (SELECT n, pg_temp.at(n::float8 / :tasks) AS at, CASE WHEN n % 100 BETWEEN 1 AND 3 THEN 1 + n / 100 END AS run
        FROM generate_series(1, :tasks) n) x
    LEFT JOIN runs r ON r.n = x.run
    JOIN owners o ON CASE WHEN r.id IS NULL THEN o.org = pg_temp.owner(x.n) ELSE o.org_id = r.org_id END;
INSERT INTO agent_tasks (id, agent_id, org_id, stream_id, run_id, task_type, priority, payload, status, created_at,
        scheduled_for, started_at, finished_at, error_message, retry_count, attempt, parked, execution_id)
    SELECT id, agent_id, org_id, stream_id, run_id, CASE WHEN n % 4 = 0 THEN 'gpu' ELSE 'agent_execution' END, 1 + n % 10,
        jsonb_build_object('n', n, 'company', 'Company ' || n % 5000), status, at, at,
        CASE WHEN status <> 'pending' THEN at + interval '2 s' END,
        CASE WHEN status <> 'pending' THEN at + make_interval(secs => 2 + n % 60) END,
        CASE WHEN status = 'failed' THEN (ARRAY['TimeoutError: no answer within 30 s from host ' || n % 50,
            'ValueError: bad value ' || n, 'SourceDownError: it is down'])[1 + n % 3] END,
        CASE WHEN status = 'failed' THEN 3 ELSE 0 END, CASE WHEN status = 'pending' THEN 0 ELSE 1 END,
        status = 'pending' AND n % 4 = 0, CASE WHEN status <> 'pending' THEN execution_id END
    FROM made ORDER BY n;
INSERT INTO task_tallies (status, n) SELECT status, count(*) FROM agent_tasks WHERE status IN ('completed', 'cancelled') GROUP BY 1;
INSERT INTO agent_executions (id, task_id, agent_id, org_id, stream_id, status, attempt, started_at, completed_at,
        duration_ms, output_data, error_message, metrics, created_at)
    SELECT m.execution_id, m.id, m.agent_id, m.org_id, m.stream_id, m.status, 1, t.started_at, t.finished_at,
        (n % 60) * 1000, '{"items_created": 3}', t.error_message,
        '{"wait_ms": 5, "run_ms": 200, "tokens": 100, "cost_usd": 0.001}', t.started_at
    FROM made m JOIN agent_tasks t USING (id) WHERE m.status <> 'pending' ORDER BY n;
INSERT INTO agent_steps (task_id, name, seq, result, attempt, created_at)
    SELECT id, 'fetch', 1, '{"pages": 3}', 1, at FROM made WHERE n % 10 = 0 AND status = 'completed';
INSERT INTO stream_run_nodes (run_id, agent_id, level, execution_order, open_dependencies, status, task_id, execution_id)
    SELECT run_id, agent_id, n % 100, n % 100, 0, CASE status WHEN 'pending' THEN 'queued' ELSE status END, id,
        CASE WHEN status <> 'pending' THEN execution_id END
    FROM made WHERE run_id IS NOT NULL;
INSERT INTO run_events (run_id, seq, type, agent_id, data, created_at)
    SELECT id, seq, CASE seq WHEN 1 THEN 'status' WHEN 10 THEN 'completed' ELSE 'log' END, agents[1],
        '{"message": "a page was read", "status": "running"}', at FROM runs, generate_series(1, 10) seq;
INSERT INTO model_calls (id, task_id, attempt, run_token, run_id, agent_id, stream_id, org_id, step, seq, model, status,
        estimate_usd, cost_usd, input_tokens, output_tokens, started_at, finished_at)
    SELECT pg_temp.id_at(at), id, 1, 1, run_id, agent_id, stream_id, org_id, 'ask', 1, 'model ' || n % 3, 'finished',
        0.001, 0.001, 100, 50, at, at + interval '1 s' FROM made WHERE n % 5 = 0 AND status <> 'pending' ORDER BY n;
INSERT INTO tool_calls (id, tool, arguments, started_at, ended_at, task_id, attempt, step, seq, agent_id, organization_id)
    SELECT pg_temp.id_at(at), 'web_search', '{"query": "a company"}', at, at + interval '1 s', id, 1, 'look', 1, agent_id,
        org_id::text FROM made WHERE n % 5 = 1 AND status <> 'pending' ORDER BY n;
INSERT INTO audit_log (id, at, org_id, actor, action, kind, target)
    OVERRIDING SYSTEM VALUE SELECT n, at, org_id, 'somebody', 'retry', 'task', id::text FROM made WHERE n % 10 = 2 ORDER BY n;

INSERT INTO companies (name, name_norm, country, source, source_id)
    SELECT 'Company ' || n, 'company ' || n, 'GB', 'made', n FROM generate_series(1, :items) n;
CREATE TEMP TABLE firms AS SELECT id AS company_id, row_number() OVER (ORDER BY source_id::int) AS n FROM companies;
-- The first stream of the first organisation holds all companies, each other one a hundredth.
INSERT INTO stream_items (stream_id, company_id, quality_score, score_confidence, score_stage, score_reasons, priority,
        scored_at, position)
    SELECT s.id, company_id, (n * 7 % 500) / 100.0, 0.8, 'full', '[{"component": "growth", "points": 1, "text": "it grows"}]', 'medium', now(), n
    FROM (SELECT id, row_number() OVER (ORDER BY name) - 1 AS place FROM streams) s
    JOIN firms ON place = 0 OR n % 100 = place % 100;
INSERT INTO facts (id, company_id, field, value, source, confidence)
    OVERRIDING SYSTEM VALUE SELECT row_number() OVER (), company_id, field, '"something"', 'site', 0.9
    FROM firms, unnest('{description,employees,phone,website,town}'::text[]) field;
INSERT INTO buying_signals (id, org_id, company_id, signal_type, strength, confidence, title, status, detected_at, last_seen_at)
    SELECT pg_temp.id_at(at), org_id, company_id, 'hiring', (ARRAY['very_strong', 'strong', 'moderate', 'weak'])[1 + n % 4],
        n % 100, 'They look for people', CASE WHEN n % 3 = 0 THEN 'expired' ELSE 'active' END, at, at
    FROM (SELECT firms.n * 5 + k AS n, company_id, pg_temp.at((firms.n * 5 + k)::float8 / (:items * 5 + 5)) AS at
        FROM firms, generate_series(1, 5) k) x JOIN owners ON org = pg_temp.owner(n) ORDER BY at;
INSERT INTO drafts (id, org_id, stream_id, company_id, channel, language, tone, body, written_by, prompt_hash, status, decided_at, created_at)
    SELECT pg_temp.id_at(at), org_id, streams[1], company_id, 'email', 'en', 'plain', 'Hello.', 'template', 'made',
        CASE WHEN n % 2 = 0 THEN 'draft' ELSE 'approved' END, CASE WHEN n % 2 = 1 THEN at END, at
    FROM (SELECT n, company_id, pg_temp.at(n::float8 / :items) AS at FROM firms) x JOIN owners ON org = pg_temp.owner(n) ORDER BY at;
INSERT INTO people (id, org_id, name, name_norm, source)
    SELECT pg_temp.id_at(now()), org_id, 'Person ' || n, 'person ' || n, 'made' FROM firms JOIN owners ON org = pg_temp.owner(n);
INSERT INTO appointments (id, org_id, person_id, company_number, company_name, company_id, role, source)
    OVERRIDING SYSTEM VALUE SELECT row_number() OVER (), p.org_id, p.id, 'N' || f.n, 'Company ' || f.n, f.company_id, 'director', 'made'
    FROM people p JOIN firms f ON p.name = 'Person ' || f.n;
INSERT INTO stream_insights (stream_id, org_id, kind, title, created_at)
    SELECT streams[1 + n % 5], org_id, 'growth', 'They grow', pg_temp.at(n / 10000.0)
    FROM generate_series(1, 10000) n JOIN owners ON org = CASE WHEN n % 10 < 8 THEN 1 ELSE 2 + n % 99 END;
INSERT INTO notification_rules (org_id, name, event, channel, target)
    SELECT org_id, 'Rule ' || org, 'task_dead', 'email', 'somebody@example.test' FROM orgs;
INSERT INTO notifications (id, rule_id, count, examples, shares, first_at, last_at, due_at, created_at, task_id)
    SELECT pg_temp.id_at(at), r.id, 1, '[]', '{}', at, at, at, at, gen_random_uuid()
    FROM (SELECT n, pg_temp.at(n / 10000.0) AS at FROM generate_series(1, 10000) n) x JOIN owners ON org = CASE WHEN n % 10 < 8 THEN 1 ELSE 2 + n % 99 END
    JOIN notification_rules r USING (org_id);
RESET session_replication_role;
