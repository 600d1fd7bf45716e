-- Runners that differ: what a runner can offer (labels), what it can run (agent types, protocol), and tasks that
-- wait for one that can.
--
-- * An agent may ask for labels, in its configuration or in the code of its type. Only a runner that has them all takes
--   its tasks. All tasks of a lane ask for the same, so a claim passes over a lane with one look (see open_lanes),
--   however many rows wait in it; and a runner that has every label that anybody asks for claims in line as ever.
-- * A runner leaves tasks of an agent type that it does not know to live runners that know it: while a new release
--   is rolled out, old and new runners work side by side.
-- * A task may demand a protocol. Its runner must speak it: what a release wrote into rows, an older one may not be
--   able to read.
--
-- Runners of releases before this one know nothing of all that: labels hold from when the last of them is gone.

SET LOCAL lock_timeout = '30s';

ALTER TABLE task_runners
    ADD COLUMN labels text[] NOT NULL DEFAULT '{}',
    ADD COLUMN protocol smallint NOT NULL DEFAULT 0;
COMMENT ON COLUMN task_runners.labels IS 'What this runner offers, such as gpu or eu: it takes tasks of agents that ask for these.';
COMMENT ON COLUMN task_runners.protocol IS
    'Which state of what runners and rows agree upon this one knows; 0: it was released before there were numbers.';

ALTER TABLE agent_tasks ADD COLUMN needs_protocol smallint;
COMMENT ON COLUMN agent_tasks.needs_protocol IS 'Least protocol of a runner that may take it; NULL = any.';

CREATE TABLE required_labels (
    scope text NOT NULL CHECK (scope IN ('agent', 'type')),
    key text NOT NULL,
    labels text[] NOT NULL,
    PRIMARY KEY (scope, key)
);
COMMENT ON TABLE required_labels IS 'Labels that a runner must have for tasks of an agent. Written by the runner; an agent''s own row replaces that of its type.';
COMMENT ON COLUMN required_labels.scope IS 'agent: from its configuration. type: from the code of an agent_type.';

-- The labels of a configuration; NULL when it says none, or something that cannot be read (its tasks then fail and
-- name the key). As base/labels.py has it.
CREATE FUNCTION configured_labels(configuration jsonb) RETURNS text[]
LANGUAGE sql IMMUTABLE AS
$$
    SELECT CASE WHEN jsonb_typeof(configuration -> 'labels') = 'array'
                     AND NOT jsonb_path_exists(configuration, silent => true, path =>
                         'strict $.labels[*] ? (@.type() <> "string" || !(@ like_regex "^[A-Za-z0-9][A-Za-z0-9_.:=/-]{0,62}$"))')
                THEN ARRAY(SELECT jsonb_array_elements_text(configuration -> 'labels')) END
$$;
COMMENT ON FUNCTION configured_labels(jsonb) IS 'Labels that the configuration of an agent asks for.';

CREATE FUNCTION ai_agents_labels() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS
$$
DECLARE
    asked text[] := CASE WHEN TG_OP <> 'DELETE' THEN configured_labels(NEW.configuration) END;
BEGIN
    IF asked IS NOT NULL THEN
        INSERT INTO required_labels AS l (scope, key, labels) VALUES ('agent', NEW.id::text, asked)
        ON CONFLICT (scope, key) DO UPDATE SET labels = excluded.labels WHERE l.labels <> excluded.labels;
    ELSIF TG_OP <> 'INSERT' THEN
        DELETE FROM required_labels l WHERE l.scope = 'agent' AND l.key = OLD.id::text;
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER ai_agents_labels AFTER INSERT OR UPDATE OF configuration ON ai_agents FOR EACH ROW
EXECUTE FUNCTION ai_agents_labels();
CREATE TRIGGER ai_agents_labels_deleted AFTER DELETE ON ai_agents FOR EACH ROW EXECUTE FUNCTION ai_agents_labels();
INSERT INTO required_labels (scope, key, labels)
SELECT 'agent', id::text, configured_labels(configuration) FROM ai_agents WHERE configured_labels(configuration) IS NOT NULL;

-- Who asks for less is served at once: runners look again.
CREATE TRIGGER required_labels_wake AFTER INSERT OR UPDATE OR DELETE ON required_labels
FOR EACH STATEMENT EXECUTE FUNCTION agent_tasks_wake();

-- As before, and with the labels that its tasks ask for.
CREATE OR REPLACE VIEW open_lanes AS
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
SELECT w.lane, w.priority, w.task_type, w.agent_id, a.agent_type, coalesce(w.org_id, a.org_id) AS org_id,
       coalesce(own.labels, code.labels, '{}') AS labels
FROM walk w LEFT JOIN ai_agents a ON a.id = w.agent_id
LEFT JOIN required_labels own ON own.scope = 'agent' AND own.key = w.agent_id::text
LEFT JOIN required_labels code ON code.scope = 'type' AND code.key = a.agent_type
WHERE NOT EXISTS (
    SELECT FROM task_pauses p
    WHERE (p.scope = 'agent' AND p.key = w.agent_id::text)
       OR (p.scope = 'type' AND p.key IN (w.task_type, a.agent_type))
       OR (p.scope = 'org' AND p.key = coalesce(w.org_id, a.org_id)::text));

-- The same for one agent. In plpgsql, as the next ones, because it keeps their plans.
CREATE FUNCTION agent_labels(agent_id uuid) RETURNS text[]
LANGUAGE plpgsql STABLE SET search_path FROM CURRENT AS
$$
BEGIN
    RETURN coalesce(
        (SELECT l.labels FROM required_labels l WHERE l.scope = 'agent' AND l.key = $1::text),
        (SELECT l.labels FROM required_labels l JOIN ai_agents a ON a.agent_type = l.key WHERE l.scope = 'type' AND a.id = $1), '{}');
END
$$;
COMMENT ON FUNCTION agent_labels(uuid) IS 'Labels that a runner must have to take tasks of an agent.';

CREATE FUNCTION labels_suffice(agent_id uuid, labels text[]) RETURNS boolean
LANGUAGE plpgsql STABLE SET search_path FROM CURRENT AS
$$
BEGIN
    RETURN agent_labels($1) <@ $2;
END
$$;
COMMENT ON FUNCTION labels_suffice(uuid, text[]) IS 'Whether a runner with these labels may take tasks of an agent.';

CREATE FUNCTION is_known_elsewhere(agent_type text, task_type text, labels text[]) RETURNS boolean
LANGUAGE plpgsql STABLE SET search_path FROM CURRENT AS
$$
BEGIN
    RETURN EXISTS (
        SELECT FROM task_runners r
        WHERE r.lease_until > oppspot_now() AND $1 = ANY (r.agent_types)
          AND (r.task_types IS NULL OR $2 = ANY (r.task_types)) AND $3 <@ r.labels);
END
$$;
COMMENT ON FUNCTION is_known_elsewhere(text, text, text[]) IS
    'Whether a live runner knows that agent type and serves such tasks: who does not know it leaves them alone.';

-- As before; a runner must have the labels, too.
CREATE OR REPLACE FUNCTION may_start(agent_id uuid, task_type text, org_id uuid) RETURNS boolean
LANGUAGE plpgsql STABLE SET search_path FROM CURRENT AS
$$
BEGIN
    RETURN (
        WITH names AS MATERIALIZED (
            SELECT n.scope, n.key FROM (SELECT $1 AS id) g LEFT JOIN ai_agents a ON a.id = g.id
            CROSS JOIN LATERAL limit_names(g.id, a.agent_type, $2, coalesce($3, a.org_id)) n
        )
        SELECT NOT EXISTS (SELECT FROM names n JOIN task_pauses p ON p.scope = n.scope AND p.key = n.key)
           AND NOT EXISTS (
               SELECT FROM names n JOIN task_limits l ON l.scope = n.scope AND l.key = n.key
               WHERE limit_tokens(l) < 1 OR l.concurrency <= (
                   SELECT count(*) FROM agent_tasks t LEFT JOIN ai_agents a ON a.id = t.agent_id
                   CROSS JOIN LATERAL limit_names(t.agent_id, a.agent_type, t.task_type, coalesce(t.org_id, a.org_id)) m
                   WHERE t.status = 'processing' AND m.scope = l.scope AND m.key = l.key))
           AND EXISTS (
               SELECT FROM task_runners r
               WHERE r.lease_until > oppspot_now() AND r.state = 'running'
                 AND (r.task_types IS NULL OR $2 = ANY (r.task_types)) AND labels_suffice($1, r.labels)));
END
$$;

-- As before; where labels are asked for, not all may start.
CREATE OR REPLACE FUNCTION arrange_keys(keys text[], OUT moved integer, OUT busy text[])
LANGUAGE plpgsql VOLATILE SET search_path FROM CURRENT AS
$$
DECLARE
    this text;
    room integer;
    in_line integer;
    able integer;
    changed integer;
    -- Else all may start, and nobody need be asked.
    choosy boolean := EXISTS (SELECT FROM task_pauses) OR EXISTS (SELECT FROM task_limits WHERE scope <> 'key')
        OR EXISTS (SELECT FROM task_runners WHERE task_types IS NOT NULL) OR EXISTS (SELECT FROM required_labels);
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
            GET DIAGNOSTICS changed = ROW_COUNT;
        ELSIF NOT EXISTS (SELECT FROM agent_tasks q WHERE q.status = 'pending' AND q.blocked AND q.limit_key = this) THEN
            changed := 0;
        ELSIF room IS NULL THEN
            changed := let_in(this, 1000, false);
        ELSE
            SELECT coalesce(sum(l.n), 0),
                   coalesce(sum(l.n) FILTER (WHERE NOT choosy OR may_start(l.agent_id, l.task_type, l.org_id)), 0)
            INTO in_line, able
            FROM (SELECT q.agent_id, q.task_type, q.org_id, count(*) AS n FROM (
                      SELECT t.agent_id, t.task_type, t.org_id FROM agent_tasks t
                      WHERE t.limit_key = this AND NOT t.blocked AND t.status = 'pending' AND NOT t.parked LIMIT 1000) q
                  GROUP BY q.agent_id, q.task_type, q.org_id) l;
            changed := let_in(this, room - able, choosy);
            IF choosy THEN
                changed := changed + let_in(this, room - in_line - changed, false);
            END IF;
        END IF;
        moved := moved + changed;
    END LOOP;
END
$$;

DO $$
BEGIN
    -- As in wake_task_runners: nothing that a caller can make may come before ours.
    EXECUTE format('ALTER FUNCTION ai_agents_labels() SET search_path = %I, pg_temp', current_schema());
END $$;

INSERT INTO access_rules (name, verbs, reads, changes) VALUES
    ('required_labels', 'SELECT', 'scope = ''type'' OR key = ANY (ARRAY(SELECT a.id::text FROM ai_agents a))', 'false');
SELECT arrange_access();

INSERT INTO oppspot_migrations (number, name, breaking, applied_at)
VALUES (66, 'fleets', false, oppspot_now());
