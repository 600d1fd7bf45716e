-- Organisations set budgets for what is their own. What a new one has spent already is summed up while no call ends;
-- that lock wants more rights over model_calls than an organisation has, so a function of its own takes it.

SET LOCAL lock_timeout = '30s';

CREATE FUNCTION hold_model_calls() RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS
$$
BEGIN
    LOCK TABLE model_calls IN SHARE MODE;
END
$$;
COMMENT ON FUNCTION hold_model_calls() IS 'Until the end of the transaction no call of a model begins or ends.';

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
    PERFORM hold_model_calls();
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

DO $$
BEGIN
    -- As in wake_task_runners: nothing that a caller can make may come before ours.
    EXECUTE format('ALTER FUNCTION hold_model_calls() SET search_path = %I, pg_temp', current_schema());
END $$;

INSERT INTO oppspot_migrations (number, name, breaking, applied_at)
VALUES (57, 'own_budgets', false, oppspot_now());
