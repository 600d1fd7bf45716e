-- Schedules: what starts agents by itself, at times or when their stream gains something.
--
-- * People write ai_agents.schedule_cron with schedule_timezone, and
--   stream_agent_assignments.execution_frequency. Triggers keep a row in `schedules` for each of them, with
--   how it stands: a text that changes is noticed at once, whoever changes it, and counts from then on.
-- * No runner leads. Each looks with its other duties when the next schedule comes due, locks the row
--   (whoever comes second skips it) and writes in one transaction the tick, the task and the next due
--   time, which is reckoned from the due time before it and never from the clock. A tick has its due time in
--   its key, so nothing fires twice, wherever the clock is set.
-- * What a text means is known to the program alone. One that means nothing stops its own schedule only, with
--   the reason in `error`, until somebody changes it.
-- * `realtime` has no times: rows in schedule_calls say that a stream gained something. They are only ever
--   added and taken away, so writers of a stream do not wait for each other.

SET LOCAL lock_timeout = '30s';

DO $$
DECLARE
    taken text;
BEGIN
    SELECT string_agg(format('%I', relname), ' and ' ORDER BY relname) INTO taken
    FROM pg_class
    WHERE relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = current_schema())
      AND relname IN ('schedules', 'schedule_ticks', 'schedule_calls', 'schedule_sources');
    IF taken IS NOT NULL THEN
        RAISE EXCEPTION 'the schema % already holds % of another making', current_schema(), taken
            USING HINT = 'Set OPPSPOT_SCHEMA to a schema of our own, or rename what is there.';
    END IF;
END $$;

ALTER TABLE stream_agent_assignments ADD COLUMN schedule_options jsonb;
COMMENT ON COLUMN stream_agent_assignments.schedule_options IS
    'How execution_frequency fires: misfire, overlap, limit, jitter. What is not given is that of the agent''s configuration.schedule.';

-- Found by their agent at each change of it.
CREATE INDEX stream_agent_assignments_agent ON stream_agent_assignments (agent_id);

CREATE TABLE schedules (
    id uuid PRIMARY KEY DEFAULT oppspot_uuid(),
    agent_id uuid NOT NULL REFERENCES ai_agents (id) ON DELETE CASCADE,
    assignment_id uuid REFERENCES stream_agent_assignments (id) ON DELETE CASCADE,
    stream_id uuid REFERENCES streams (id) ON DELETE CASCADE,
    expression text NOT NULL,
    timezone text NOT NULL,
    options jsonb NOT NULL,
    is_active boolean NOT NULL,
    since timestamptz NOT NULL DEFAULT oppspot_now(),
    due_at timestamptz,
    look_at timestamptz DEFAULT oppspot_now(),
    last_due_at timestamptz,
    last_fired_at timestamptz,
    last_task_id uuid,
    paused_at timestamptz,
    error text,
    CHECK ((assignment_id IS NULL) = (stream_id IS NULL))
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.01);
COMMENT ON TABLE schedules IS
    'How each schedule stands, one row an agent or assignment that has one. Written by triggers and runners: change the texts where they are.';
COMMENT ON COLUMN schedules.assignment_id IS 'The part in a stream whose execution_frequency this is; NULL: the agent''s own schedule_cron.';
COMMENT ON COLUMN schedules.is_active IS 'Whether the agent, and its part in the stream, are active and start by themselves.';
COMMENT ON COLUMN schedules.since IS 'Due times up to here are dealt with; the next one is the first after it.';
COMMENT ON COLUMN schedules.due_at IS 'The next due time; NULL: not reckoned yet, or realtime.';
COMMENT ON COLUMN schedules.look_at IS 'When a runner deals with it next: due_at and its jitter, sooner after a change; NULL: at no time.';
COMMENT ON COLUMN schedules.last_due_at IS 'The newest due time that had a tick.';
COMMENT ON COLUMN schedules.last_fired_at IS 'When a tick last started a task.';
COMMENT ON COLUMN schedules.last_task_id IS 'The newest task that it started: the run that overlap looks at.';
COMMENT ON COLUMN schedules.error IS 'Why it fires no more, until its text, zone or options change.';
CREATE UNIQUE INDEX schedules_agent ON schedules (agent_id) WHERE assignment_id IS NULL;
CREATE UNIQUE INDEX schedules_assignment ON schedules (assignment_id);
CREATE INDEX schedules_of_agent ON schedules (agent_id);
CREATE INDEX schedules_stream ON schedules (stream_id) WHERE stream_id IS NOT NULL;
CREATE INDEX schedules_look ON schedules (look_at) WHERE is_active AND paused_at IS NULL AND error IS NULL;

CREATE TABLE schedule_ticks (
    schedule_id uuid NOT NULL REFERENCES schedules (id) ON DELETE CASCADE,
    due_at timestamptz NOT NULL,
    task_id uuid,
    fired_at timestamptz NOT NULL DEFAULT oppspot_now(),
    PRIMARY KEY (schedule_id, due_at)
);
COMMENT ON TABLE schedule_ticks IS 'Due times that were dealt with, each once; kept as long as ended tasks.';
COMMENT ON COLUMN schedule_ticks.task_id IS 'The task that it started; NULL: none, because the run before was still on.';
CREATE INDEX schedule_ticks_fired ON schedule_ticks (fired_at);

CREATE TABLE schedule_calls (
    id bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    schedule_id uuid NOT NULL, -- no foreign key: a schedule that goes must not fail who writes to its stream
    called_at timestamptz NOT NULL DEFAULT oppspot_now()
) WITH (autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 500);
CREATE INDEX schedule_calls_schedule ON schedule_calls (schedule_id);
COMMENT ON TABLE schedule_calls IS 'Streams that gained something, for their realtime schedules, until a runner takes note.';

-- What people wrote, in one shape. An assignment keeps its agent's zone, and the agent's options where it
-- has none of its own.
CREATE VIEW schedule_sources AS
SELECT a.id AS agent_id, NULL::uuid AS assignment_id, NULL::uuid AS stream_id, btrim(a.schedule_cron) AS expression,
       coalesce(nullif(a.schedule_timezone, ''), 'UTC')::text AS timezone,
       coalesce(nullif(a.configuration -> 'schedule', 'null'), '{}') AS options,
       coalesce(a.is_active, true) AS is_active
FROM ai_agents a WHERE btrim(a.schedule_cron) <> ''
UNION ALL
SELECT a.id, x.id, s.id,
       CASE WHEN f.word IN ('hourly', 'daily', 'weekly', 'realtime') THEN f.word ELSE btrim(x.execution_frequency) END,
       coalesce(nullif(a.schedule_timezone, ''), 'UTC'),
       CASE WHEN f.own IS NULL THEN f.common
            WHEN jsonb_typeof(f.own) = 'object' AND jsonb_typeof(f.common) = 'object' THEN f.common || f.own
            ELSE f.own END,
       coalesce(a.is_active, true) AND coalesce(x.is_active, true) AND coalesce(x.auto_execute, true)
FROM stream_agent_assignments x JOIN ai_agents a ON a.id = x.agent_id JOIN streams s ON s.id = x.stream_id
CROSS JOIN LATERAL (SELECT lower(btrim(x.execution_frequency)) AS word, nullif(x.schedule_options, 'null') AS own,
                           coalesce(nullif(a.configuration -> 'schedule', 'null'), '{}') AS common) f
WHERE f.word NOT IN ('', 'manual');
COMMENT ON VIEW schedule_sources IS 'The schedules as they are written on agents and assignments.';

-- Brings the rows of an agent in line with what is written: all of them, or that of one assignment. The agent
-- is held, so that of two who change it and its part in a stream the second sees what the first wrote.
CREATE FUNCTION arrange_schedules(p_agent uuid, p_assignment uuid) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS
$$
DECLARE
    changed boolean;
BEGIN
    PERFORM FROM ai_agents a WHERE a.id = p_agent FOR SHARE;
    DELETE FROM schedules s
    WHERE ((p_assignment IS NULL AND s.agent_id = p_agent) OR s.assignment_id = p_assignment)
      AND NOT EXISTS (SELECT FROM schedule_sources w WHERE w.agent_id = p_agent AND w.agent_id = s.agent_id
                      AND w.assignment_id IS NOT DISTINCT FROM s.assignment_id);
    UPDATE schedules s SET
        stream_id = w.stream_id, expression = w.expression, timezone = w.timezone, options = w.options,
        is_active = w.is_active, since = oppspot_now(), due_at = NULL, look_at = oppspot_now(), error = NULL
    FROM schedule_sources w
    WHERE w.agent_id = p_agent AND (p_assignment IS NULL OR w.assignment_id = p_assignment)
      AND s.agent_id = p_agent AND s.assignment_id IS NOT DISTINCT FROM w.assignment_id
      AND (s.stream_id, s.expression, s.timezone, s.options, s.is_active) IS DISTINCT FROM
          (w.stream_id, w.expression, w.timezone, w.options, w.is_active);
    changed := FOUND;
    INSERT INTO schedules (agent_id, assignment_id, stream_id, expression, timezone, options, is_active)
    SELECT w.agent_id, w.assignment_id, w.stream_id, w.expression, w.timezone, w.options, w.is_active
    FROM schedule_sources w
    WHERE w.agent_id = p_agent AND (p_assignment IS NULL OR w.assignment_id = p_assignment)
    ON CONFLICT DO NOTHING;
    IF changed OR FOUND THEN
        -- Also when all are busy: the time of the next look may have moved forward.
        PERFORM pg_notify('oppspot_wake', current_schema());
    END IF;
END
$$;

CREATE FUNCTION ai_agents_schedules() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS
$$
BEGIN
    PERFORM arrange_schedules(NEW.id, NULL);
    RETURN NULL;
END
$$;
CREATE TRIGGER ai_agents_scheduled AFTER INSERT ON ai_agents FOR EACH ROW
WHEN (NEW.schedule_cron IS NOT NULL)
EXECUTE FUNCTION ai_agents_schedules();
CREATE TRIGGER ai_agents_rescheduled
AFTER UPDATE OF schedule_cron, schedule_timezone, configuration, is_active ON ai_agents FOR EACH ROW
WHEN ((OLD.schedule_cron, OLD.schedule_timezone, OLD.configuration -> 'schedule', OLD.is_active) IS DISTINCT FROM
      (NEW.schedule_cron, NEW.schedule_timezone, NEW.configuration -> 'schedule', NEW.is_active))
EXECUTE FUNCTION ai_agents_schedules();

CREATE FUNCTION assignments_schedules() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS
$$
BEGIN
    PERFORM arrange_schedules(NEW.agent_id, NEW.id);
    RETURN NULL;
END
$$;
CREATE TRIGGER assignments_scheduled AFTER INSERT ON stream_agent_assignments FOR EACH ROW
WHEN (NEW.execution_frequency IS NOT NULL)
EXECUTE FUNCTION assignments_schedules();
CREATE TRIGGER assignments_rescheduled
AFTER UPDATE OF agent_id, stream_id, execution_frequency, schedule_options, is_active, auto_execute
ON stream_agent_assignments FOR EACH ROW
WHEN ((OLD.agent_id, OLD.stream_id, OLD.execution_frequency, OLD.schedule_options, OLD.is_active, OLD.auto_execute)
      IS DISTINCT FROM
      (NEW.agent_id, NEW.stream_id, NEW.execution_frequency, NEW.schedule_options, NEW.is_active, NEW.auto_execute))
EXECUTE FUNCTION assignments_schedules();

-- Who takes a pause or an error away lets the schedule begin anew: what came due meanwhile is not made up for.
CREATE FUNCTION schedules_resume() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS
$$
BEGIN
    NEW.since := oppspot_now();
    NEW.due_at := NULL;
    NEW.look_at := oppspot_now();
    PERFORM pg_notify('oppspot_wake', current_schema());
    RETURN NEW;
END
$$;
CREATE TRIGGER schedules_resumed BEFORE UPDATE OF paused_at, error ON schedules FOR EACH ROW
WHEN (NEW.paused_at IS NULL AND NEW.error IS NULL AND (OLD.paused_at IS NOT NULL OR OLD.error IS NOT NULL))
EXECUTE FUNCTION schedules_resume();

-- Whether one agent of a stream comes after another, directly or not.
CREATE FUNCTION comes_after(p_stream uuid, p_agent uuid, p_first uuid) RETURNS boolean
LANGUAGE sql STABLE SET search_path FROM CURRENT AS
$$
    WITH RECURSIVE below AS (
        SELECT p_first AS id
        UNION
        SELECT x.agent_id FROM below b
        JOIN stream_agent_assignments x ON x.stream_id = p_stream AND b.id = ANY (x.depends_on_agent_ids)
        WHERE coalesce(x.is_active, true)
    )
    SELECT EXISTS (SELECT FROM below WHERE id = p_agent)
$$;

-- A stream gained items or insights: its realtime schedules are called. What an agent writes itself, or
-- those that come after it, does not call it: they would keep each other busy for ever.
CREATE FUNCTION call_schedules() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS
$$
BEGIN
    INSERT INTO schedule_calls (schedule_id)
    SELECT DISTINCT s.id
    FROM (SELECT DISTINCT stream_id, agent_id FROM gained) g JOIN schedules s ON s.stream_id = g.stream_id
    WHERE s.expression = 'realtime' AND s.is_active AND s.paused_at IS NULL AND s.error IS NULL
      AND (g.agent_id IS NULL OR NOT comes_after(g.stream_id, g.agent_id, s.agent_id));
    IF FOUND THEN
        PERFORM wake_task_runners();
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER stream_items_call AFTER INSERT ON stream_items REFERENCING NEW TABLE AS gained
FOR EACH STATEMENT EXECUTE FUNCTION call_schedules();
CREATE TRIGGER stream_insights_call AFTER INSERT ON stream_insights REFERENCING NEW TABLE AS gained
FOR EACH STATEMENT EXECUTE FUNCTION call_schedules();

DO $$
DECLARE
    name text;
BEGIN
    -- As in wake_task_runners: nothing that a caller can make may come before ours.
    FOREACH name IN ARRAY '{"arrange_schedules(uuid, uuid)",ai_agents_schedules(),assignments_schedules(),schedules_resume(),call_schedules()}'::text[] LOOP
        EXECUTE format('ALTER FUNCTION %s SET search_path = %I, pg_temp', name, current_schema());
    END LOOP;
    EXECUTE 'REVOKE EXECUTE ON FUNCTION arrange_schedules(uuid, uuid) FROM PUBLIC';
END $$;

-- What was written before counts from now.
INSERT INTO schedules (agent_id, assignment_id, stream_id, expression, timezone, options, is_active)
SELECT agent_id, assignment_id, stream_id, expression, timezone, options, is_active FROM schedule_sources;

INSERT INTO oppspot_migrations (number, name, breaking, applied_at)
VALUES (15, 'schedules', false, oppspot_now());
