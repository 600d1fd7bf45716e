-- What a task starts is charged to it as well: its budget, and those of its run and its stream, hold for the tasks
-- that its agent spawns, or starts by tools.

SET LOCAL lock_timeout = '30s';

ALTER TABLE model_calls ADD COLUMN ancestor_ids uuid[] NOT NULL DEFAULT '{}';
COMMENT ON COLUMN model_calls.ancestor_ids IS 'The task that started the one that made the call, the task that started that, and so on.';

-- A task, and those that started it, from the nearest on.
CREATE FUNCTION tasks_above(p_id uuid) RETURNS TABLE (id uuid, depth integer, run_id uuid, stream_id uuid)
LANGUAGE sql STABLE ROWS 2 SET search_path FROM CURRENT AS
$$
    WITH RECURSIVE above AS (
        SELECT t.id, t.parent_task_id, 0 AS depth, t.run_id, t.stream_id FROM agent_tasks t WHERE t.id = p_id
        UNION ALL
        SELECT p.id, p.parent_task_id, a.depth + 1, p.run_id, p.stream_id
        FROM above a JOIN agent_tasks p ON p.id = a.parent_task_id WHERE a.depth < 100
    )
    SELECT a.id, a.depth, a.run_id, coalesce(a.stream_id, r.stream_id)
    FROM above a LEFT JOIN stream_runs r ON r.id = a.run_id
$$;

-- A task, and those that it started, or that these did.
CREATE FUNCTION tasks_below(p_id uuid) RETURNS TABLE (id uuid)
LANGUAGE sql STABLE ROWS 10 SET search_path FROM CURRENT AS
$$
    WITH RECURSIVE below AS (
        SELECT p_id AS id
        UNION
        SELECT c.id FROM below b JOIN agent_tasks c ON c.parent_task_id = b.id
    )
    SELECT b.id FROM below b
$$;

CREATE OR REPLACE FUNCTION model_call_scopes(p_call model_calls) RETURNS TABLE (scope text, scope_id uuid)
LANGUAGE sql STABLE ROWS 5 SET search_path FROM CURRENT AS
$$
    VALUES ('task', p_call.task_id), ('run', p_call.run_id), ('agent', p_call.agent_id),
           ('stream', p_call.stream_id), ('org', p_call.org_id)
    UNION ALL SELECT 'task', a.id FROM unnest(p_call.ancestor_ids) a (id)
$$;

CREATE OR REPLACE FUNCTION held_by_calls(p_scope text, p_scope_id uuid, p_since timestamptz) RETURNS numeric
LANGUAGE sql STABLE SET search_path FROM CURRENT AS
$$
    SELECT coalesce(sum(c.estimate_usd), 0) FROM model_calls c
    WHERE c.status = 'started' AND c.started_at >= p_since AND CASE p_scope
        WHEN 'task' THEN p_scope_id = c.task_id OR p_scope_id = ANY (c.ancestor_ids)
        WHEN 'run' THEN p_scope_id = c.run_id WHEN 'agent' THEN p_scope_id = c.agent_id
        WHEN 'stream' THEN p_scope_id = c.stream_id ELSE p_scope_id = c.org_id END
      AND EXISTS (SELECT FROM agent_tasks t WHERE t.id = c.task_id AND t.run_token = c.run_token)
$$;

-- As before, and for those that started the task.
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
    IF NOT FOUND THEN
        RETURN;
    END IF;
    UPDATE model_calls c SET status = 'lost', finished_at = oppspot_now()
    WHERE c.id = ANY (p_dropped) AND c.status = 'started';
    -- The nearest run and stream count: what a task is started by works for these.
    SELECT coalesce(array_agg(u.id ORDER BY u.depth) FILTER (WHERE u.depth > 0), '{}'),
           (array_agg(u.run_id ORDER BY u.depth) FILTER (WHERE u.run_id IS NOT NULL))[1],
           coalesce(p_call.stream_id, (array_agg(u.stream_id ORDER BY u.depth) FILTER (WHERE u.stream_id IS NOT NULL))[1])
    INTO p_call.ancestor_ids, p_call.run_id, p_call.stream_id
    FROM tasks_above(task.id) u;
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
               (SELECT coalesce(sum(c.cost_usd), 0) FROM model_calls c
                WHERE c.task_id = ANY (ARRAY(SELECT d.id FROM tasks_below(task.id) d))),
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

-- As before, and of a task what it started counts.
CREATE OR REPLACE FUNCTION set_budget(
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
    WHERE c.started_at >= budget_period_start(set_budget.period, oppspot_now())
      AND (set_budget.scope, set_budget.scope_id) IN (SELECT x.scope, x.scope_id FROM model_call_scopes(c) x);
    RETURN made;
END
$$;

INSERT INTO oppspot_migrations (number, name, breaking, applied_at)
VALUES (34, 'costs_of_children', false, oppspot_now());
