-- Money: what calls of language models cost, and budgets that stop a call before it is made.
--
-- * A call has a row that is written before it is made and ended after it. A call is open while its row says
--   `started` and its attempt still has the task (the token). Money is held by open calls and by nothing else:
--   what a dead attempt held is free at the moment that fences it, and no counter can leak.
-- * What was spent is kept for each budget and period, by the transaction that ends the call and remembers its
--   answer. So spent + held never jumps: both change at once.
-- * A call locks its task, then its budgets in the order of their ids. Nobody who holds a budget asks for a task.
-- * A call counts in the period in which it began. Days and months are those of UTC.

SET LOCAL lock_timeout = '30s';

-- No foreign keys: history must not keep rows from being pruned, nor pay for it.
CREATE TABLE model_calls (
    id uuid PRIMARY KEY DEFAULT oppspot_uuid(),
    task_id uuid NOT NULL,
    attempt integer NOT NULL,
    run_token bigint NOT NULL,
    run_id uuid,
    agent_id uuid,
    stream_id uuid,
    org_id uuid,
    step text NOT NULL,
    seq integer NOT NULL,
    model text NOT NULL,
    status text NOT NULL DEFAULT 'started' CHECK (status IN ('started', 'finished', 'failed', 'lost')),
    estimate_usd numeric CHECK (estimate_usd >= 0 AND estimate_usd < 'Infinity'),
    cost_usd numeric CHECK (cost_usd >= 0 AND cost_usd < 'Infinity'),
    price_list text,
    input_tokens bigint NOT NULL DEFAULT 0,
    output_tokens bigint NOT NULL DEFAULT 0,
    cached_tokens bigint NOT NULL DEFAULT 0,
    cache_written_tokens bigint NOT NULL DEFAULT 0,
    reasoning_tokens bigint NOT NULL DEFAULT 0,
    error_code text,
    started_at timestamptz NOT NULL DEFAULT oppspot_now(),
    finished_at timestamptz,
    CHECK ((status = 'started') = (finished_at IS NULL))
) WITH (fillfactor = 80);
COMMENT ON TABLE model_calls IS
    'Calls of language models, one row each: started, finished, failed, or lost when nobody knows how it ended.';
COMMENT ON COLUMN model_calls.estimate_usd IS
    'The most that the call was expected to cost, held against budgets while it is open. NULL: no known price.';
COMMENT ON COLUMN model_calls.cost_usd IS 'What it cost by the price list. NULL: not known, or not yet.';
CREATE INDEX model_calls_task ON model_calls (task_id);
CREATE INDEX model_calls_open ON model_calls (id) WHERE status = 'started';
CREATE INDEX model_calls_time ON model_calls USING brin (started_at) WITH (pages_per_range = 32);

CREATE TABLE budgets (
    id uuid PRIMARY KEY DEFAULT oppspot_uuid(),
    scope text NOT NULL CHECK (scope IN ('task', 'run', 'agent', 'stream', 'org')),
    scope_id uuid NOT NULL,
    period text NOT NULL DEFAULT 'total' CHECK (period IN ('total', 'day', 'month')),
    limit_usd numeric NOT NULL CHECK (limit_usd >= 0 AND limit_usd < 'Infinity'),
    on_unknown_price text NOT NULL DEFAULT 'deny' CHECK (on_unknown_price IN ('deny', 'tokens_only', 'allow')),
    created_at timestamptz NOT NULL DEFAULT oppspot_now(),
    UNIQUE (scope, scope_id, period)
);
COMMENT ON TABLE budgets IS 'The most that calls of language models may cost; see set_budget and budget_balances.';
COMMENT ON COLUMN budgets.on_unknown_price IS
    'Calls without a known price: deny refuses them, tokens_only counts their tokens here, allow takes no notice.';

-- A row for each period in which something was spent; `starts_at` is 1970 for a total.
CREATE TABLE budget_periods (
    budget_id uuid NOT NULL REFERENCES budgets (id) ON DELETE CASCADE,
    starts_at timestamptz NOT NULL,
    spent_usd numeric NOT NULL DEFAULT 0,
    unpriced_tokens bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (budget_id, starts_at)
) WITH (fillfactor = 50);

CREATE FUNCTION budget_period_start(p_period text, p_at timestamptz) RETURNS timestamptz
LANGUAGE sql STABLE PARALLEL SAFE
RETURN CASE p_period WHEN 'total' THEN timestamptz 'epoch' ELSE date_trunc(p_period, p_at, 'UTC') END;

CREATE VIEW open_model_calls AS
SELECT c.id, c.task_id, c.run_id, c.agent_id, c.stream_id, c.org_id, c.model, c.estimate_usd, c.started_at
FROM model_calls c JOIN agent_tasks t ON t.id = c.task_id AND t.run_token = c.run_token
WHERE c.status = 'started';
COMMENT ON VIEW open_model_calls IS 'Calls of models whose attempts still run: what they may cost is held.';

-- Whom a call is charged to, as budgets name it.
CREATE FUNCTION model_call_scopes(p_call model_calls) RETURNS TABLE (scope text, scope_id uuid)
LANGUAGE sql STABLE ROWS 5 SET search_path FROM CURRENT AS
$$
    VALUES ('task', p_call.task_id), ('run', p_call.run_id), ('agent', p_call.agent_id),
           ('stream', p_call.stream_id), ('org', p_call.org_id)
$$;

CREATE FUNCTION held_by_calls(p_scope text, p_scope_id uuid, p_since timestamptz) RETURNS numeric
LANGUAGE sql STABLE SET search_path FROM CURRENT AS
$$
    SELECT coalesce(sum(c.estimate_usd), 0) FROM open_model_calls c
    WHERE c.started_at >= p_since AND p_scope_id = CASE p_scope
        WHEN 'task' THEN c.task_id WHEN 'run' THEN c.run_id WHEN 'agent' THEN c.agent_id
        WHEN 'stream' THEN c.stream_id ELSE c.org_id END
$$;

-- All budgets of a call, locked: who looks at them next sees what everybody before has written.
CREATE FUNCTION lock_budgets(p_call model_calls) RETURNS uuid[]
LANGUAGE sql VOLATILE SET search_path FROM CURRENT AS
$$
    SELECT coalesce(array_agg(l.id), '{}') FROM (
        SELECT b.id FROM budgets b
        WHERE (b.scope, b.scope_id) IN (SELECT s.scope, s.scope_id FROM model_call_scopes(p_call) s)
        ORDER BY b.id FOR UPDATE) l
$$;

-- A call that is about to be made. `verdict`: held, it may be made; waits, it fits as soon as others give back
-- what they hold, to be asked for again at `again_at`; exceeded, it does not fit; unpriced, its price is unknown
-- and a budget denies that. The others are those of the budget that decided. No row: the task is no longer this
-- attempt's.
-- `p_per_task` is a limit of the agent's configuration. `p_dropped` are calls that the attempt no longer waits for.
CREATE FUNCTION begin_model_call(
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
    IF NOT FOUND THEN
        RETURN;
    END IF;
    UPDATE model_calls c SET status = 'lost', finished_at = oppspot_now()
    WHERE c.id = ANY (p_dropped) AND c.status = 'started';
    p_call.run_id := task.run_id;
    p_call.stream_id := coalesce(p_call.stream_id, (SELECT r.stream_id FROM stream_runs r WHERE r.id = task.run_id));
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
        SELECT 'task', task.id, 'total', p_per_task, p_unpriced,
               (SELECT coalesce(sum(c.cost_usd), 0) FROM model_calls c WHERE c.task_id = task.id),
               held_by_calls('task', task.id, 'epoch')
        WHERE p_per_task IS NOT NULL) x
    WHERE CASE WHEN estimate IS NULL THEN x.unpriced = 'deny' ELSE x.spent + x.held + estimate > x.most END
    ORDER BY x.spent + estimate > x.most DESC LIMIT 1;
    IF NOT FOUND THEN
        verdict := 'held';
        -- Asked again, because the answer got lost, it is there already.
        INSERT INTO model_calls SELECT p_call.* ON CONFLICT (id) DO NOTHING;
    ELSIF verdict = 'waits' THEN
        -- Longer each time, and not all at once.
        again_at := oppspot_now() + least(0.2 * 2 ^ least(task.attempt, 10), 10) * (0.5 + random() / 2) * interval '1 s';
    END IF;
    RETURN NEXT;
END
$$;

-- How a call ended: `p_call` has id, token, status, cost, tokens and the code of an error. False: the task is no
-- longer this attempt's, so nothing was written. Said again, it changes nothing.
CREATE FUNCTION end_model_call(p_call model_calls) RETURNS boolean
LANGUAGE plpgsql SET search_path FROM CURRENT AS
$$
DECLARE
    ended model_calls;
    locked uuid[];
BEGIN
    PERFORM FROM agent_tasks t WHERE t.id = p_call.task_id AND t.run_token = p_call.run_token FOR NO KEY UPDATE;
    IF NOT FOUND THEN
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

-- Ends what attempts left open that have lost their tasks or ended; how many. A token never comes back, so
-- nothing of this can be wrong a moment later.
CREATE FUNCTION lose_model_calls() RETURNS integer
LANGUAGE plpgsql SET search_path FROM CURRENT AS
$$
DECLARE
    lost integer;
BEGIN
    UPDATE model_calls c SET status = 'lost', finished_at = oppspot_now() WHERE c.id = ANY (ARRAY(
        SELECT x.id FROM model_calls x
        WHERE x.status = 'started'
          AND NOT EXISTS (SELECT FROM agent_tasks t WHERE t.id = x.task_id AND t.run_token = x.run_token)
        LIMIT 100 FOR UPDATE OF x SKIP LOCKED));
    GET DIAGNOSTICS lost = ROW_COUNT;
    RETURN lost;
END
$$;

-- From now on that is the most; what was spent in the period already counts, as far as its calls are on record.
CREATE FUNCTION set_budget(
    scope text, scope_id uuid, limit_usd numeric, period text DEFAULT 'total', on_unknown_price text DEFAULT 'deny'
) RETURNS uuid
LANGUAGE plpgsql SET search_path FROM CURRENT AS
$$
#variable_conflict use_column
DECLARE
    made uuid;
BEGIN
    UPDATE budgets b SET limit_usd = set_budget.limit_usd, on_unknown_price = set_budget.on_unknown_price
    WHERE b.scope = set_budget.scope AND b.scope_id = set_budget.scope_id AND b.period = set_budget.period
    RETURNING b.id INTO made;
    IF FOUND THEN
        RETURN made;
    END IF;
    -- Calls that end meanwhile wait for us, and then see the budget; those that ended we see.
    LOCK TABLE model_calls IN SHARE MODE;
    INSERT INTO budgets (scope, scope_id, period, limit_usd, on_unknown_price)
    VALUES (set_budget.scope, set_budget.scope_id, set_budget.period, set_budget.limit_usd, set_budget.on_unknown_price)
    RETURNING id INTO made;
    INSERT INTO budget_periods (budget_id, starts_at, spent_usd)
    SELECT made, budget_period_start(set_budget.period, oppspot_now()), coalesce(sum(c.cost_usd), 0) FROM model_calls c
    WHERE c.started_at >= budget_period_start(set_budget.period, oppspot_now()) AND set_budget.scope_id = CASE set_budget.scope
        WHEN 'task' THEN c.task_id WHEN 'run' THEN c.run_id WHEN 'agent' THEN c.agent_id
        WHEN 'stream' THEN c.stream_id ELSE c.org_id END;
    RETURN made;
END
$$;

CREATE FUNCTION remove_budget(scope text, scope_id uuid, period text DEFAULT 'total') RETURNS boolean
LANGUAGE sql SET search_path FROM CURRENT AS
$$
    WITH gone AS (
        DELETE FROM budgets b WHERE b.scope = remove_budget.scope AND b.scope_id = remove_budget.scope_id
          AND b.period = remove_budget.period RETURNING 1)
    SELECT EXISTS (SELECT FROM gone)
$$;

CREATE VIEW budget_balances AS
SELECT b.id, b.scope, b.scope_id,
       CASE b.scope WHEN 'agent' THEN (SELECT a.name FROM ai_agents a WHERE a.id = b.scope_id)
                    WHEN 'stream' THEN (SELECT s.name FROM streams s WHERE s.id = b.scope_id)
                    WHEN 'org' THEN (SELECT o.name FROM organizations o WHERE o.id = b.scope_id) END AS name,
       b.period, s.starts_at, b.limit_usd, x.spent_usd, x.held_usd,
       greatest(b.limit_usd - x.spent_usd - x.held_usd, 0) AS left_usd, x.unpriced_tokens, b.on_unknown_price
FROM budgets b
CROSS JOIN LATERAL (SELECT budget_period_start(b.period, oppspot_now()) AS starts_at) s
LEFT JOIN budget_periods p ON p.budget_id = b.id AND p.starts_at = s.starts_at
CROSS JOIN LATERAL (
    SELECT coalesce(p.spent_usd, 0) AS spent_usd, coalesce(p.unpriced_tokens, 0) AS unpriced_tokens,
           held_by_calls(b.scope, b.scope_id, s.starts_at) AS held_usd) x;
COMMENT ON VIEW budget_balances IS 'Budgets in their periods of now: what is spent, held by open calls, and left.';

CREATE VIEW costs_by_day AS
SELECT (c.started_at AT TIME ZONE 'UTC')::date AS day, c.org_id, c.stream_id, c.agent_id, c.model,
       count(*) AS calls, sum(c.input_tokens) AS input_tokens, sum(c.output_tokens) AS output_tokens,
       coalesce(sum(c.cost_usd), 0) AS cost_usd,
       count(*) FILTER (WHERE c.status = 'finished' AND c.cost_usd IS NULL) AS unpriced_calls,
       count(*) FILTER (WHERE c.status = 'lost') AS lost_calls,
       coalesce(sum(c.estimate_usd) FILTER (WHERE c.status = 'lost'), 0) AS lost_usd
FROM model_calls c
GROUP BY 1, 2, 3, 4, 5;
COMMENT ON VIEW costs_by_day IS
    'Calls of models and their cost for each day of UTC. lost_usd is what lost calls may have cost at most.';

INSERT INTO oppspot_migrations (number, name, breaking, applied_at)
VALUES (29, 'money', false, oppspot_now());
