-- Limits: how many tasks of a kind may run at once and how many may start in a while, in all
-- runners together; and what a claim needs to stay cheap beside them.
--
-- * task_limits has a row for each scope and key. How many run is counted from the running rows when
--   somebody claims: there is no counter that a crash could leave wrong. Claims of limited tasks take
--   turns by an advisory lock, so that no two of them count the same free place.
-- * A rate is a bucket of tokens in the same row: a start takes one, time fills it.
-- * Where nothing is limited or paused a claim reads `agent_tasks_ready` in order, whatever agents
--   there are. Else it walks the lanes (`agent_tasks_lanes`), and a lane that may not run costs one
--   look, however many rows wait in it.
-- * Keys may be many (a customer, a web site), so they are no lanes. A claim that meets a task whose
--   key has no room left takes the tasks of that key out of both indexes (`blocked`); as others of
--   the key end, as many come back into line. Claims check again, so `blocked` is never the limit
--   itself, and a look at every poll lets in what was forgotten.
-- * A task that was running at two deaths of its runner runs alone from then on: the next death
--   then condemns nobody else. Its runner has it `held` until its other tasks have ended.

SET LOCAL lock_timeout = '30s';

ALTER TABLE agent_tasks
    ADD COLUMN limit_key text,
    ADD COLUMN raised_at timestamptz,
    ADD COLUMN blocked boolean NOT NULL DEFAULT false,
    ADD COLUMN held boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN agent_tasks.limit_key IS 'Tasks of one key share the limits of scope key; NULL = none.';
COMMENT ON COLUMN agent_tasks.raised_at IS 'When its priority last rose because it waited long.';
COMMENT ON COLUMN agent_tasks.blocked IS 'Pending, but as many of its limit_key as may run are in line already: not in the indexes that claims read.';
COMMENT ON COLUMN agent_tasks.held IS 'Claimed, but not begun: it runs alone, and its runner waits for its other tasks to end.';

-- An older runner beside a newer one knows neither column: they mean something while a row is pending
-- or processing, and are left as they are when it goes on.
ALTER TABLE agent_tasks
    ADD CONSTRAINT agent_tasks_only_keys_block CHECK (NOT blocked OR limit_key IS NOT NULL) NOT VALID,
    ADD CONSTRAINT agent_tasks_limit_key_is_short CHECK (limit_key <> '' AND length(limit_key) <= 200) NOT VALID;
ALTER TABLE agent_tasks
    VALIDATE CONSTRAINT agent_tasks_only_keys_block,
    VALIDATE CONSTRAINT agent_tasks_limit_key_is_short;

DROP INDEX agent_tasks_ready;
CREATE INDEX agent_tasks_ready ON agent_tasks (priority DESC, ready_seq)
    WHERE status = 'pending' AND NOT parked AND NOT blocked;
CREATE INDEX agent_tasks_lanes ON agent_tasks (task_lane(task_type, agent_id, org_id), priority, ready_seq)
    WHERE status = 'pending' AND NOT parked AND NOT blocked;
CREATE INDEX agent_tasks_blocked ON agent_tasks (limit_key, priority DESC, ready_seq)
    WHERE status = 'pending' AND blocked;
CREATE INDEX agent_tasks_keyed ON agent_tasks (limit_key)
    WHERE limit_key IS NOT NULL AND status IN ('pending', 'processing') AND NOT blocked;

-- Lanes with ready tasks that are not paused, each with the highest priority in it. Walks the index
-- backwards, one probe a lane, however many rows it has.
CREATE VIEW open_lanes AS
WITH RECURSIVE walk AS (
    (SELECT task_lane(t.task_type, t.agent_id, t.org_id) AS lane, t.priority, t.task_type, t.agent_id, t.org_id
     FROM agent_tasks t WHERE t.status = 'pending' AND NOT t.parked AND NOT t.blocked
     ORDER BY task_lane(t.task_type, t.agent_id, t.org_id) DESC, t.priority DESC LIMIT 1)
    UNION ALL
    SELECT n.* FROM walk w CROSS JOIN LATERAL (
        SELECT task_lane(t.task_type, t.agent_id, t.org_id) AS lane, t.priority, t.task_type, t.agent_id, t.org_id
        FROM agent_tasks t WHERE t.status = 'pending' AND NOT t.parked AND NOT t.blocked
          AND task_lane(t.task_type, t.agent_id, t.org_id) < w.lane
        ORDER BY task_lane(t.task_type, t.agent_id, t.org_id) DESC, t.priority DESC LIMIT 1) n
)
SELECT w.lane, w.priority, w.task_type, w.agent_id, a.agent_type, coalesce(w.org_id, a.org_id) AS org_id
FROM walk w LEFT JOIN ai_agents a ON a.id = w.agent_id
WHERE NOT EXISTS (
    SELECT FROM task_pauses p
    WHERE (p.scope = 'agent' AND p.key = w.agent_id::text)
       OR (p.scope = 'type' AND p.key IN (w.task_type, a.agent_type))
       OR (p.scope = 'org' AND p.key = coalesce(w.org_id, a.org_id)::text));

COMMENT ON VIEW open_lanes IS 'Ready tasks that are not paused: a row for each task_type, agent and organisation.';

CREATE TABLE task_limits (
    scope text NOT NULL CHECK (scope IN ('agent', 'type', 'org', 'key')),
    key text NOT NULL CHECK (key <> '' AND length(key) <= 200),
    concurrency integer CHECK (concurrency >= 0),
    rate double precision CHECK (rate > 0 AND rate <= 1e6),
    burst double precision CHECK (burst >= 1 AND burst <= 1e6),
    weight double precision NOT NULL DEFAULT 1 CHECK (weight > 0 AND weight <= 1e6),
    tokens double precision,
    refilled_at timestamptz,
    source text NOT NULL DEFAULT 'user' CHECK (source IN ('user', 'configuration', 'code')),
    created_at timestamptz NOT NULL DEFAULT oppspot_now(),
    PRIMARY KEY (scope, key),
    CHECK (scope <> 'key' OR rate IS NULL),
    CHECK (burst IS NULL OR rate IS NOT NULL),
    CHECK (weight = 1 OR scope = 'org')
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.01);
COMMENT ON TABLE task_limits IS 'What may run at most, in all runners together; NULL = no such limit.';
COMMENT ON COLUMN task_limits.scope IS 'agent, type (a task_type or an agent_type), org, or key (limit_key of the task; the key * means each one).';
COMMENT ON COLUMN task_limits.concurrency IS 'Tasks that run at the same time; 0 lets none start.';
COMMENT ON COLUMN task_limits.rate IS 'Starts per second, on average.';
COMMENT ON COLUMN task_limits.burst IS 'Starts at once after a pause; NULL = those of one second, at least 1.';
COMMENT ON COLUMN task_limits.weight IS 'Share of an organisation against others where runners share fairly.';
COMMENT ON COLUMN task_limits.tokens IS 'Starts that were left at refilled_at; NULL = a full bucket.';
COMMENT ON COLUMN task_limits.source IS
    'user: set by people. configuration: follows the agent''s configuration. code: the agent type''s own, which an agent''s row replaces.';

-- What a bucket holds now.
CREATE FUNCTION limit_tokens(l task_limits) RETURNS double precision
LANGUAGE sql STABLE
RETURN least(coalesce((l).burst, greatest(1, ceil((l).rate))), coalesce(
    (l).tokens + (l).rate * greatest(0, date_part('epoch', oppspot_now() - (l).refilled_at)), 'infinity'));

-- The scopes and keys under which limits on such tasks stand.
CREATE FUNCTION limit_names(agent_id uuid, agent_type text, task_type text, org_id uuid) RETURNS TABLE (scope text, key text)
LANGUAGE sql IMMUTABLE AS
$$
    SELECT n.scope, n.key FROM (VALUES
        ('agent', $1::text), ('type', $3), ('type', CASE WHEN $2 IS DISTINCT FROM $3 THEN $2 END), ('org', $4::text)) n (scope, key)
    WHERE n.key IS NOT NULL
$$;

-- "10/s", "100/m", "600/h", "5/d", "90/5m" as starts per second; NULL when it means nothing.
CREATE FUNCTION limit_rate(given text) RETURNS double precision
LANGUAGE sql IMMUTABLE AS
$$
    SELECT CASE WHEN f IS NOT NULL AND f[1]::float8 > 0 THEN f[1]::float8 / (
        coalesce(nullif(f[2], ''), '1')::float8 * CASE f[3] WHEN 's' THEN 1 WHEN 'm' THEN 60 WHEN 'h' THEN 3600 ELSE 86400 END) END
    FROM regexp_match(given, '^\s*(\d{1,6}(?:\.\d{1,6})?)\s*/\s*([1-9]\d{0,4})?\s*([smhd])\s*$') AS f
$$;
COMMENT ON FUNCTION limit_rate(text) IS 'A rate such as 10/s, 100/m, 600/h, 5/d or 90/5m as starts per second.';

-- The keys "concurrency" and "rate" of an agent's configuration are its limits, whoever writes them.
-- What cannot be read there limits nothing; the agent's tasks then fail and name the key.
CREATE FUNCTION ai_agents_limits() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS
$$
DECLARE
    told jsonb := CASE WHEN TG_OP <> 'DELETE' AND jsonb_typeof(NEW.configuration) = 'object' THEN NEW.configuration ELSE '{}' END;
    most integer := CASE WHEN told ->> 'concurrency' ~ '^\d{1,9}$' THEN (told ->> 'concurrency')::integer END;
    pace double precision := limit_rate(told ->> 'rate');
BEGIN
    IF most IS NULL AND pace IS NULL THEN
        DELETE FROM task_limits l WHERE l.scope = 'agent' AND l.source = 'configuration'
            AND l.key = CASE WHEN TG_OP = 'INSERT' THEN NEW.id ELSE OLD.id END::text;
    ELSE
        INSERT INTO task_limits AS l (scope, key, concurrency, rate, source)
        VALUES ('agent', NEW.id::text, most, pace, 'configuration')
        ON CONFLICT (scope, key) DO UPDATE SET concurrency = excluded.concurrency, rate = excluded.rate,
            burst = CASE WHEN excluded.rate IS NULL THEN NULL ELSE l.burst END, source = 'configuration'
        WHERE (l.concurrency, l.rate, l.source) IS DISTINCT FROM (excluded.concurrency, excluded.rate, 'configuration');
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER ai_agents_limits AFTER INSERT OR UPDATE OF configuration ON ai_agents FOR EACH ROW
WHEN (NEW.configuration IS NOT NULL)
EXECUTE FUNCTION ai_agents_limits();
CREATE TRIGGER ai_agents_limits_deleted AFTER DELETE ON ai_agents FOR EACH ROW EXECUTE FUNCTION ai_agents_limits();
INSERT INTO task_limits (scope, key, concurrency, rate, source)
SELECT 'agent', id::text, most, pace, 'configuration' FROM (
    SELECT id, limit_rate(configuration ->> 'rate') AS pace,
           CASE WHEN configuration ->> 'concurrency' ~ '^\d{1,9}$' THEN (configuration ->> 'concurrency')::integer END AS most
    FROM ai_agents WHERE jsonb_typeof(configuration) = 'object') a
WHERE most IS NOT NULL OR pace IS NOT NULL;

-- How many more tasks of a key may run; NULL = any number.
CREATE FUNCTION key_room(wanted text) RETURNS integer
LANGUAGE sql VOLATILE SET search_path FROM CURRENT AS
$$
    SELECT l.concurrency - (SELECT count(*)::integer FROM agent_tasks t
                            WHERE t.limit_key = wanted AND NOT t.blocked AND t.status = 'processing')
    FROM task_limits l WHERE l.scope = 'key' AND l.key IN (wanted, '*') AND l.concurrency IS NOT NULL
    ORDER BY l.key = '*' LIMIT 1
$$;

-- Takes ready tasks of keys without room out of line, or lets as many in as there is room for. Whoever
-- does either holds the key's lock and looks after he got it: else one could block what the other,
-- who ended the last running task, would have let in. Nobody waits: a key that is `busy` is to be asked
-- for again.
CREATE FUNCTION arrange_keys(keys text[], OUT moved integer, OUT busy text[])
LANGUAGE plpgsql VOLATILE SET search_path FROM CURRENT AS
$$
DECLARE
    this text;
    room integer;
    changed integer;
BEGIN
    moved := 0;
    busy := '{}';
    FOR this IN SELECT DISTINCT k FROM unnest(keys) k WHERE k IS NOT NULL LOOP
        IF NOT pg_try_advisory_xact_lock(hashtextextended(current_schema() || '.task_limits.' || this, 0)) THEN
            busy := busy || this;
            CONTINUE;
        END IF;
        room := key_room(this);
        IF room <= 0 THEN
            UPDATE agent_tasks t SET blocked = true WHERE t.ctid = ANY (ARRAY(
                SELECT q.ctid FROM agent_tasks q
                WHERE q.limit_key = this AND NOT q.blocked AND q.status = 'pending' AND NOT q.parked
                LIMIT 5000 FOR NO KEY UPDATE SKIP LOCKED));
        ELSE
            room := coalesce(room, 1000) - (SELECT count(*) FROM (
                SELECT FROM agent_tasks q
                WHERE q.limit_key = this AND NOT q.blocked AND q.status = 'pending' AND NOT q.parked LIMIT 1000) q);
            UPDATE agent_tasks t SET blocked = false WHERE t.ctid = ANY (ARRAY(
                SELECT q.ctid FROM agent_tasks q
                WHERE q.status = 'pending' AND q.blocked AND q.limit_key = this
                ORDER BY q.priority DESC, q.ready_seq LIMIT greatest(room, 0) FOR NO KEY UPDATE SKIP LOCKED));
        END IF;
        GET DIAGNOSTICS changed = ROW_COUNT;
        moved := moved + changed;
    END LOOP;
END
$$;

-- Who changes limits is served at once: runners look again.
CREATE TRIGGER task_limits_wake AFTER INSERT OR UPDATE OF concurrency, rate, burst OR DELETE ON task_limits
FOR EACH STATEMENT EXECUTE FUNCTION agent_tasks_wake();

-- A task that people put in line again: one that ended gets a new life, without its crashes. Fires before
-- agent_tasks_by_hand, which takes the token away (triggers fire in the order of their names).
CREATE FUNCTION agent_tasks_bookkeeping() RETURNS trigger
LANGUAGE plpgsql SET search_path FROM CURRENT AS
$$
BEGIN
    NEW.held := false;
    NEW.blocked := false;
    IF OLD.status IN ('completed', 'failed', 'cancelled') THEN
        NEW.crash_count := 0;
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER agent_tasks_bookkeeping BEFORE UPDATE OF status ON agent_tasks FOR EACH ROW
WHEN (NEW.run_token IS NOT DISTINCT FROM OLD.run_token AND NEW.status IS DISTINCT FROM OLD.status)
EXECUTE FUNCTION agent_tasks_bookkeeping();

INSERT INTO oppspot_migrations (number, name, breaking, applied_at)
VALUES (7, 'limits', false, oppspot_now());
