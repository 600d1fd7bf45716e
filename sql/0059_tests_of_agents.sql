-- Tests of agents: they have no task, and what they ask models costs money all the same. Their calls have the token 0,
-- which no attempt has, and the id of the test in the place of the task's.

SET LOCAL lock_timeout = '30s';

-- Whether a call is that of a test that may still be on. None takes an hour: an older one died with its process.
CREATE FUNCTION is_tested(p_token bigint, p_started_at timestamptz) RETURNS boolean
LANGUAGE sql STABLE SET search_path FROM CURRENT
RETURN p_token = 0 AND p_started_at > oppspot_now() - interval '1 hour';
COMMENT ON FUNCTION is_tested(bigint, timestamptz) IS 'Whether a call of a model is that of a test that may still be on.';

-- The rest as before.
CREATE OR REPLACE FUNCTION begin_model_call(
    p_call model_calls, p_per_task numeric, p_unpriced text, p_dropped uuid[]
) RETURNS TABLE (verdict text, again_at timestamptz, scope text, scope_id uuid, period text, limit_usd numeric,
                 spent_usd numeric, held_usd numeric)
LANGUAGE plpgsql SET search_path FROM CURRENT AS
$$
#variable_conflict use_column
DECLARE
    task agent_tasks;
    locked uuid[];
    estimate numeric := p_call.estimate_usd;
BEGIN
    SELECT t.* INTO task FROM agent_tasks t
    WHERE t.id = p_call.task_id AND t.run_token = p_call.run_token FOR NO KEY UPDATE;
    IF NOT FOUND AND p_call.run_token <> 0 THEN
        RETURN;
    END IF;
    UPDATE model_calls c SET status = 'lost', finished_at = oppspot_now()
    WHERE c.id = ANY (p_dropped) AND c.status = 'started';
    -- The nearest run and stream count: what a task is started by works for these.
    SELECT coalesce(array_agg(u.id ORDER BY u.depth) FILTER (WHERE u.depth > 0), '{}'),
           (array_agg(u.run_id ORDER BY u.depth) FILTER (WHERE u.run_id IS NOT NULL))[1],
           coalesce(p_call.stream_id, (array_agg(u.stream_id ORDER BY u.depth) FILTER (WHERE u.stream_id IS NOT NULL))[1])
    INTO p_call.ancestor_ids, p_call.run_id, p_call.stream_id
    FROM tasks_above(p_call.task_id) u;
    locked := lock_budgets(p_call);
    SELECT CASE WHEN estimate IS NULL AND x.unpriced = 'deny' THEN 'unpriced'
                WHEN x.spent + estimate > x.most THEN 'exceeded' ELSE 'waits' END,
           x.scope, x.scope_id, x.period, x.most, x.spent, x.held
    INTO verdict, scope, scope_id, period, limit_usd, spent_usd, held_usd
    FROM (
        SELECT b.scope, b.scope_id, b.period, b.limit_usd AS most, b.on_unknown_price AS unpriced,
               coalesce(p.spent_usd, 0) AS spent, held_by_calls(b.scope, b.scope_id, s.starts_at) AS held
        FROM budgets b CROSS JOIN LATERAL (SELECT budget_period_start(b.period, oppspot_now()) AS starts_at) s
        LEFT JOIN budget_periods p ON p.budget_id = b.id AND p.starts_at = s.starts_at
        WHERE b.id = ANY (locked)
        UNION ALL
        SELECT 'task', p_call.task_id, 'total', p_per_task, p_unpriced,
               (SELECT coalesce(sum(c.cost_usd), 0) FROM model_calls c
                WHERE c.task_id = ANY (ARRAY(SELECT d.id FROM tasks_below(p_call.task_id) d))),
               held_by_calls('task', p_call.task_id, 'epoch')
        WHERE p_per_task IS NOT NULL) x
    WHERE CASE WHEN estimate IS NULL THEN x.unpriced = 'deny' ELSE x.spent + x.held + estimate > x.most END
    ORDER BY x.spent + estimate > x.most DESC LIMIT 1;
    IF NOT FOUND THEN
        verdict := 'held';
        -- Asked again, because the answer got lost, it is there already.
        INSERT INTO model_calls SELECT p_call.* ON CONFLICT (id) DO NOTHING;
    ELSIF verdict = 'waits' THEN
        -- Longer each time, and not all at once.
        again_at := oppspot_now() + least(0.2 * 2 ^ least(p_call.attempt, 10), 10) * (0.5 + random() / 2) * interval '1 s';
    END IF;
    RETURN NEXT;
END
$$;

CREATE OR REPLACE FUNCTION end_model_call(p_call model_calls) RETURNS boolean
LANGUAGE plpgsql SET search_path FROM CURRENT AS
$$
DECLARE
    ended model_calls;
    locked uuid[];
BEGIN
    PERFORM FROM agent_tasks t WHERE t.id = p_call.task_id AND t.run_token = p_call.run_token FOR NO KEY UPDATE;
    IF NOT FOUND AND p_call.run_token <> 0 THEN
        RETURN false;
    END IF;
    UPDATE model_calls c SET status = p_call.status, cost_usd = p_call.cost_usd,
        input_tokens = p_call.input_tokens, output_tokens = p_call.output_tokens,
        cached_tokens = p_call.cached_tokens, cache_written_tokens = p_call.cache_written_tokens,
        reasoning_tokens = p_call.reasoning_tokens, error_code = p_call.error_code, finished_at = oppspot_now()
    WHERE c.id = p_call.id AND c.status = 'started' RETURNING c.* INTO ended;
    IF NOT FOUND THEN
        RETURN true;
    END IF;
    locked := lock_budgets(ended);
    INSERT INTO budget_periods AS p (budget_id, starts_at, spent_usd, unpriced_tokens)
    SELECT b.id, budget_period_start(b.period, ended.started_at), coalesce(ended.cost_usd, 0),
           CASE WHEN ended.cost_usd IS NULL AND ended.status = 'finished' AND b.on_unknown_price = 'tokens_only'
                THEN ended.input_tokens + ended.output_tokens ELSE 0 END
    FROM budgets b WHERE b.id = ANY (locked) ORDER BY b.id
    ON CONFLICT (budget_id, starts_at) DO UPDATE SET
        spent_usd = p.spent_usd + excluded.spent_usd, unpriced_tokens = p.unpriced_tokens + excluded.unpriced_tokens;
    RETURN true;
END
$$;

CREATE OR REPLACE FUNCTION held_by_calls(p_scope text, p_scope_id uuid, p_since timestamptz) RETURNS numeric
LANGUAGE sql STABLE SET search_path FROM CURRENT AS
$$
    WITH opened AS MATERIALIZED (
        SELECT c.task_id, c.run_token, c.started_at, c.estimate_usd FROM model_calls c
        WHERE c.status = 'started' AND c.started_at >= p_since AND CASE p_scope
            WHEN 'task' THEN p_scope_id = c.task_id OR p_scope_id = ANY (c.ancestor_ids)
            WHEN 'run' THEN p_scope_id = c.run_id WHEN 'agent' THEN p_scope_id = c.agent_id
            WHEN 'stream' THEN p_scope_id = c.stream_id ELSE p_scope_id = c.org_id END
    )
    SELECT coalesce(sum(o.estimate_usd), 0) FROM opened o LEFT JOIN LATERAL (
        SELECT true AS runs FROM agent_tasks t WHERE t.id = o.task_id AND t.run_token = o.run_token LIMIT 1) t ON true
    WHERE t.runs OR is_tested(o.run_token, o.started_at)
$$;

CREATE OR REPLACE FUNCTION lose_model_calls() RETURNS integer
LANGUAGE plpgsql SET search_path FROM CURRENT AS
$$
DECLARE
    lost integer;
BEGIN
    UPDATE model_calls c SET status = 'lost', finished_at = oppspot_now() WHERE c.id = ANY (ARRAY(
        SELECT x.id FROM model_calls x LEFT JOIN LATERAL (
            SELECT true AS runs FROM agent_tasks t WHERE t.id = x.task_id AND t.run_token = x.run_token LIMIT 1) t ON true
        WHERE x.status = 'started' AND t.runs IS NULL AND NOT is_tested(x.run_token, x.started_at)
        LIMIT 100 FOR UPDATE OF x SKIP LOCKED));
    GET DIAGNOSTICS lost = ROW_COUNT;
    RETURN lost;
END
$$;

COMMENT ON COLUMN model_calls.task_id IS 'The task; of a test of an agent (run_token 0) an id of its own.';

INSERT INTO oppspot_migrations (number, name, breaking, applied_at)
VALUES (59, 'tests_of_agents', false, oppspot_now());
