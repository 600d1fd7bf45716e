-- What calls of models cost is kept by day: whoever asks for a month reads sums of days, and calls of today only.
--
-- * A call that has ended never changes again, and counts on the day on which it began. So a day is final as soon as
--   none of its calls is open and no other can begin in it: an hour after its end, see final_costs_day().
-- * One row says how far sums go. Calls that began before that day of UTC are in them, later ones are counted from
--   their rows: nothing is counted twice, or never.
-- * Where the clock went back, or a call is open on a day that was final, sums from there on are dropped and made again.
-- * Sums name what their calls named, and nothing of it must exist any more.

SET LOCAL lock_timeout = '30s';

CREATE TABLE model_cost_days (
    day date NOT NULL,
    org_id uuid,
    stream_id uuid,
    agent_id uuid,
    model text NOT NULL,
    calls bigint NOT NULL,
    failed_calls bigint NOT NULL,
    input_tokens numeric NOT NULL,
    output_tokens numeric NOT NULL,
    cost_usd numeric NOT NULL,
    unpriced_calls bigint NOT NULL,
    lost_calls bigint NOT NULL,
    lost_usd numeric NOT NULL
);
COMMENT ON TABLE model_cost_days IS
    'Sums of calls of models that began before model_cost_days_until, for each day of UTC; see costs_by_day.';
CREATE INDEX model_cost_days_day ON model_cost_days (day);
CREATE INDEX model_cost_days_org ON model_cost_days (org_id, day) WHERE org_id IS NOT NULL;

CREATE TABLE model_cost_days_until (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    day date NOT NULL
);
INSERT INTO model_cost_days_until (day) VALUES ('-infinity');
COMMENT ON TABLE model_cost_days_until IS
    'One row: calls that began before that day of UTC are in model_cost_days; -infinity: none is yet.';

-- Pages that were filled since the last vacuum are read by whoever asks for the calls of today: they need not wait for it.
ALTER INDEX model_calls_time SET (autosummarize = on);

-- As before, from sums as far as there are some, and with failed_calls.
CREATE OR REPLACE VIEW costs_by_day AS
SELECT d.day, d.org_id, d.stream_id, d.agent_id, d.model, d.calls, d.input_tokens, d.output_tokens, d.cost_usd,
       d.unpriced_calls, d.lost_calls, d.lost_usd, d.failed_calls
FROM model_cost_days d
WHERE d.day < (SELECT u.day FROM model_cost_days_until u)
UNION ALL
SELECT (c.started_at AT TIME ZONE 'UTC')::date, c.org_id, c.stream_id, c.agent_id, c.model,
       count(*), sum(c.input_tokens), sum(c.output_tokens), coalesce(sum(c.cost_usd), 0),
       count(*) FILTER (WHERE c.status = 'finished' AND c.cost_usd IS NULL),
       count(*) FILTER (WHERE c.status = 'lost'),
       coalesce(sum(c.estimate_usd) FILTER (WHERE c.status = 'lost'), 0),
       count(*) FILTER (WHERE c.status = 'failed')
FROM model_calls c
WHERE c.started_at >= (SELECT u.day::timestamp AT TIME ZONE 'UTC' FROM model_cost_days_until u)
GROUP BY 1, 2, 3, 4, 5;

-- Calls that begin before that day have all ended. Whoever began one is given an hour to commit it.
CREATE FUNCTION final_costs_day() RETURNS date
LANGUAGE sql STABLE SET search_path FROM CURRENT
RETURN (least(oppspot_now() - interval '1 hour', (SELECT min(c.started_at) FROM model_calls c WHERE c.status = 'started'))
        AT TIME ZONE 'UTC')::date;
COMMENT ON FUNCTION final_costs_day() IS 'The first day of UTC on which calls of models may still begin or end.';

-- The next day that is final, and no more: a turn is short, and what it did is kept. Days before `p_first` are past their
-- time: nobody needs their sums; -infinity: from the first call on, which is looked for in all of them. `true`: there are
-- more days to do.
CREATE FUNCTION keep_model_costs(p_first date) RETURNS boolean
LANGUAGE plpgsql SET search_path FROM CURRENT AS
$$
DECLARE
    final date := final_costs_day();
    kept date := (SELECT u.day FROM model_cost_days_until u);
BEGIN
    IF kept = final THEN
        RETURN false;
    END IF;
    SELECT u.day INTO kept FROM model_cost_days_until u FOR UPDATE SKIP LOCKED;
    IF NOT FOUND THEN
        RETURN false; -- somebody else is at it
    END IF;
    final := final_costs_day();
    IF kept > final THEN
        DELETE FROM model_cost_days d WHERE d.day >= final;
        -- A clock that was far ahead may have passed over days.
        kept := coalesce((SELECT max(d.day) + 1 FROM model_cost_days d), '-infinity');
    END IF;
    kept := greatest(kept, least(p_first, final));
    IF NOT isfinite(kept) THEN
        kept := least((SELECT min(c.started_at) FROM model_calls c) AT TIME ZONE 'UTC', final::timestamp)::date;
    END IF;
    IF kept < final THEN
        DELETE FROM model_cost_days d WHERE d.day >= kept; -- none, unless somebody loaded them
        INSERT INTO model_cost_days (day, org_id, stream_id, agent_id, model, calls, failed_calls, input_tokens,
            output_tokens, cost_usd, unpriced_calls, lost_calls, lost_usd)
        SELECT kept, c.org_id, c.stream_id, c.agent_id, c.model, count(*), count(*) FILTER (WHERE c.status = 'failed'),
               sum(c.input_tokens), sum(c.output_tokens), coalesce(sum(c.cost_usd), 0),
               count(*) FILTER (WHERE c.status = 'finished' AND c.cost_usd IS NULL),
               count(*) FILTER (WHERE c.status = 'lost'),
               coalesce(sum(c.estimate_usd) FILTER (WHERE c.status = 'lost'), 0)
        FROM model_calls c
        WHERE c.started_at >= kept::timestamp AT TIME ZONE 'UTC'
          AND c.started_at < (kept + 1)::timestamp AT TIME ZONE 'UTC'
        GROUP BY c.org_id, c.stream_id, c.agent_id, c.model;
        kept := kept + 1;
    END IF;
    UPDATE model_cost_days_until u SET day = kept;
    RETURN kept < final;
END
$$;
COMMENT ON FUNCTION keep_model_costs(date) IS
    'Sums up calls of models of the next day that is final; whether there is more to do. Runners call it.';

INSERT INTO access_rules (name, verbs, reads, changes) VALUES
    ('model_cost_days', 'SELECT', 'org_id = (SELECT oppspot_api_org())', NULL),
    ('model_cost_days_until', 'SELECT', 'true', 'false');
SELECT arrange_access();

INSERT INTO oppspot_migrations (number, name, breaking, applied_at)
VALUES (72, 'kept_costs', false, oppspot_now());
