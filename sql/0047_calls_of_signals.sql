-- A new signal calls the realtime schedules of all streams of its organisation that have the company, and
-- comes with the task that the tick starts.
--
-- * schedule_signals holds what a schedule has not been told yet, beside schedule_calls. Rows are added by
--   the transaction that makes the signal count, and taken away by the one that starts the task: so none is
--   lost and none is told twice, however many runners look.
-- * A condition of the assignment that looks at $.input is asked at the tick. One that looks at outputs alone
--   is for the chain, where there are some.

SET LOCAL lock_timeout = '30s';

CREATE TABLE schedule_signals (
    schedule_id uuid NOT NULL, -- no foreign keys: what goes meanwhile must not fail who sees a signal
    signal_id uuid NOT NULL,
    called_at timestamptz NOT NULL DEFAULT oppspot_now(),
    PRIMARY KEY (schedule_id, signal_id)
) WITH (autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 500);
COMMENT ON TABLE schedule_signals IS 'New signals that realtime schedules have not been told yet.';

-- Calls the schedules that signals concern. As with other gains, an agent is not called by what it saw itself,
-- nor by what those saw that come after it.
CREATE FUNCTION call_for_signals(p_signals uuid[]) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS
$$
BEGIN
    WITH concerned AS MATERIALIZED (
        SELECT DISTINCT b.company_id, b.org_id, b.detected_by FROM buying_signals b WHERE b.id = ANY (p_signals)
    ), called AS MATERIALIZED (
        SELECT k.id, o.company_id, o.org_id, o.detected_by
        FROM concerned o JOIN stream_items i ON i.company_id = o.company_id
        JOIN streams t ON t.id = i.stream_id AND t.org_id IS NOT DISTINCT FROM o.org_id
        JOIN schedules k ON k.stream_id = t.id
        WHERE k.expression = 'realtime' AND k.is_active AND k.paused_at IS NULL AND k.error IS NULL
          AND (o.detected_by IS NULL OR NOT comes_after(t.id, o.detected_by, k.agent_id))
    ), told AS (
        INSERT INTO schedule_signals (schedule_id, signal_id)
        SELECT k.id, b.id FROM called k JOIN buying_signals b ON b.company_id = k.company_id
        WHERE b.id = ANY (p_signals) AND b.org_id IS NOT DISTINCT FROM k.org_id
          AND b.detected_by IS NOT DISTINCT FROM k.detected_by
        ON CONFLICT DO NOTHING
    )
    INSERT INTO schedule_calls (schedule_id) SELECT DISTINCT id FROM called;
    IF FOUND THEN
        PERFORM wake_task_runners();
    END IF;
END
$$;

CREATE FUNCTION buying_signals_call() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS
$$
DECLARE
    signals uuid[];
BEGIN
    IF TG_LEVEL = 'ROW' THEN
        signals := ARRAY[NEW.id];
    ELSE
        SELECT array_agg(id) INTO signals FROM gained WHERE status = 'active';
    END IF;
    IF signals IS NOT NULL THEN
        PERFORM call_for_signals(signals);
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER buying_signals_seen AFTER INSERT ON buying_signals REFERENCING NEW TABLE AS gained
FOR EACH STATEMENT EXECUTE FUNCTION buying_signals_call();
CREATE TRIGGER buying_signals_confirmed AFTER UPDATE OF status ON buying_signals FOR EACH ROW
WHEN (OLD.status = 'unconfirmed' AND NEW.status = 'active')
EXECUTE FUNCTION buying_signals_call();

-- Whether a tick of a schedule with this payload starts its task.
CREATE FUNCTION tick_starts(p_schedule uuid, p_payload jsonb) RETURNS boolean
LANGUAGE plpgsql STABLE SET search_path FROM CURRENT AS
$$
DECLARE
    asked jsonpath;
    seen jsonb;
BEGIN
    SELECT a.condition, jsonb_build_object('input', p_payload, 'stream', jsonb_build_object('id', t.id, 'name', t.name,
        'goal_criteria', t.goal_criteria, 'target_metrics', t.target_metrics, 'progress', t.progress))
    INTO asked, seen
    FROM schedules k JOIN stream_agent_assignments a ON a.id = k.assignment_id JOIN streams t ON t.id = k.stream_id
    WHERE k.id = p_schedule AND k.expression = 'realtime' AND a.condition::text LIKE '%$."input"%';
    RETURN asked IS NULL OR EXISTS (
        SELECT FROM jsonb_path_query_tz(seen, asked, silent => true) v WHERE v NOT IN ('false', 'null'));
EXCEPTION WHEN OTHERS THEN
    RETURN false; -- whatever is in the data: as in a run, what cannot be computed does not hold
END
$$;

DO $$
DECLARE
    name text;
BEGIN
    -- As in wake_task_runners: nothing that a caller can make may come before ours.
    FOREACH name IN ARRAY '{call_for_signals(uuid[]),buying_signals_call()}'::text[] LOOP
        EXECUTE format('ALTER FUNCTION %s SET search_path = %I, pg_temp', name, current_schema());
    END LOOP;
    EXECUTE 'REVOKE EXECUTE ON FUNCTION call_for_signals(uuid[]) FROM PUBLIC';
END $$;

INSERT INTO oppspot_migrations (number, name, breaking, applied_at)
VALUES (47, 'calls_of_signals', false, oppspot_now());
