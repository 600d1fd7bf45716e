-- Circuit breakers: an agent that made several errors in a row gets no more tasks for a while; then one
-- task is let through, and its end decides. What waits meanwhile uses no retry.
--
-- * agent_breakers has a row for each agent whose last attempt was an error, with how many in a row there
--   were. The statement that ends attempts counts them (queue/finish); a success deletes the row.
-- * An open breaker is a limit like any other (task_limits, scope `breaker`): one task at once, and one
--   start in `open_s` seconds, from a bucket that is empty when the breaker opens. So claims need to know
--   nothing of breakers, all runners keep to them, and a runner wakes up when the next try is due.
-- * Whoever deletes the row closes the breaker.

SET LOCAL lock_timeout = '30s';

CREATE TABLE agent_breakers (
    agent_id uuid PRIMARY KEY REFERENCES ai_agents (id) ON DELETE CASCADE,
    failures integer NOT NULL CHECK (failures >= 0),
    open_s double precision NOT NULL CHECK (open_s > 0 AND open_s <= 1e6),
    opened_at timestamptz,
    last_error text
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.01);
COMMENT ON TABLE agent_breakers IS 'Agents whose last attempts were errors. Delete a row to close the breaker and forget the errors.';
COMMENT ON COLUMN agent_breakers.failures IS 'Errors in a row: a success deletes the row.';
COMMENT ON COLUMN agent_breakers.open_s IS 'Seconds from the opening to the next try.';
COMMENT ON COLUMN agent_breakers.opened_at IS 'When the breaker opened, again if the last try failed; NULL = closed.';

ALTER TABLE task_limits
    DROP CONSTRAINT task_limits_scope_check,
    DROP CONSTRAINT task_limits_source_check,
    ADD CONSTRAINT task_limits_scope_check CHECK (scope IN ('agent', 'type', 'org', 'key', 'breaker')),
    ADD CONSTRAINT task_limits_source_check CHECK (source IN ('user', 'configuration', 'code', 'breaker'));
COMMENT ON COLUMN task_limits.scope IS 'agent, type (a task_type or an agent_type), org, or key (limit_key of the task; the key * means each one); breaker: of the agent with that id, kept by agent_breakers.';
COMMENT ON COLUMN task_limits.source IS
    'user: set by people. configuration: follows the agent''s configuration. code: the agent type''s own, which an agent''s row replaces. breaker: kept by agent_breakers.';

-- As before, and the breaker of the agent.
CREATE OR REPLACE FUNCTION limit_names(agent_id uuid, agent_type text, task_type text, org_id uuid) RETURNS TABLE (scope text, key text)
LANGUAGE sql IMMUTABLE AS
$$
    SELECT n.scope, n.key FROM (VALUES
        ('agent', $1::text), ('breaker', $1::text), ('type', $3), ('type', CASE WHEN $2 IS DISTINCT FROM $3 THEN $2 END),
        ('org', $4::text)) n (scope, key)
    WHERE n.key IS NOT NULL
$$;

CREATE FUNCTION agent_breakers_hold() RETURNS trigger
LANGUAGE plpgsql SET search_path FROM CURRENT AS
$$
BEGIN
    IF TG_OP = 'DELETE' OR NEW.opened_at IS NULL THEN
        DELETE FROM task_limits l WHERE l.scope = 'breaker' AND l.key = OLD.agent_id::text;
    ELSE
        INSERT INTO task_limits AS l (scope, key, concurrency, rate, burst, tokens, refilled_at, source)
        VALUES ('breaker', NEW.agent_id::text, 1, 1 / NEW.open_s, 1, 0, NEW.opened_at, 'breaker')
        ON CONFLICT (scope, key) DO UPDATE SET rate = excluded.rate, tokens = 0, refilled_at = excluded.refilled_at;
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER agent_breakers_opened AFTER INSERT ON agent_breakers FOR EACH ROW
WHEN (NEW.opened_at IS NOT NULL) EXECUTE FUNCTION agent_breakers_hold();
CREATE TRIGGER agent_breakers_changed AFTER UPDATE OF opened_at ON agent_breakers FOR EACH ROW
WHEN (NEW.opened_at IS DISTINCT FROM OLD.opened_at) EXECUTE FUNCTION agent_breakers_hold();
CREATE TRIGGER agent_breakers_closed AFTER DELETE ON agent_breakers FOR EACH ROW
WHEN (OLD.opened_at IS NOT NULL) EXECUTE FUNCTION agent_breakers_hold();

-- Counts attempts that just ended: `mended` are agents with a success, the arrays have a place for each
-- error of other agents, with how many in a row open the breaker. A try is an attempt that
-- began long after the breaker opened: when it fails, the breaker opens again. Errors of those that were on
-- already, or claimed at that very moment, change nothing. Returns agents whose breaker opened or closed.
CREATE FUNCTION count_errors(
    mended uuid[], agents uuid[], starts timestamptz[], errors text[], most integer[], open_for double precision[]
) RETURNS TABLE (agent_id uuid, breaker text)
LANGUAGE plpgsql SET search_path FROM CURRENT AS
$$
#variable_conflict use_column
BEGIN
    -- All rows are there before the first is locked, and both go in one order: nobody waits in a circle.
    INSERT INTO agent_breakers (agent_id, failures, open_s)
    SELECT a.id, 0, 1 FROM ai_agents a WHERE a.id = ANY (agents) ORDER BY a.id
    ON CONFLICT DO NOTHING;
    PERFORM FROM agent_breakers b WHERE b.agent_id = ANY (mended || agents) ORDER BY b.agent_id FOR UPDATE;
    RETURN QUERY
        WITH gone AS (DELETE FROM agent_breakers b WHERE b.agent_id = ANY (mended) RETURNING b.agent_id, b.opened_at)
        SELECT g.agent_id, 'closed' FROM gone g WHERE g.opened_at IS NOT NULL;
    RETURN QUERY
        WITH counted AS (
            UPDATE agent_breakers b SET failures = b.failures + e.failures, open_s = e.open_s, last_error = e.error,
                opened_at = CASE WHEN b.opened_at IS NULL AND b.failures + e.failures < e.most THEN NULL
                                 WHEN e.started_at < b.opened_at + make_interval(secs => b.open_s / 2) THEN b.opened_at
                                 ELSE oppspot_now() END
            FROM (SELECT g.agent_id, count(*)::integer AS failures, max(g.started_at) AS started_at, min(g.most) AS most,
                         min(g.open_s) AS open_s, (array_agg(g.error ORDER BY g.started_at DESC))[1] AS error
                  FROM unnest(agents, starts, errors, most, open_for) AS g (agent_id, started_at, error, most, open_s)
                  GROUP BY g.agent_id) e
            WHERE b.agent_id = e.agent_id
            RETURNING b.agent_id, b.opened_at
        )
        SELECT c.agent_id, 'opened' FROM counted c WHERE c.opened_at = oppspot_now();
END
$$;

-- What is open, for people.
CREATE VIEW open_breakers AS
SELECT b.agent_id, a.name AS agent_name, a.agent_type,
       CASE WHEN p.id IS NULL AND limit_tokens(l) < 1 THEN 'open' ELSE 'half-open' END AS state,
       b.failures, b.last_error, b.opened_at, p.id AS probe_id,
       greatest(b.opened_at, l.refilled_at) + make_interval(secs => b.open_s) AS next_try_at
FROM agent_breakers b
JOIN task_limits l ON l.scope = 'breaker' AND l.key = b.agent_id::text
LEFT JOIN ai_agents a ON a.id = b.agent_id
LEFT JOIN LATERAL (
    SELECT t.id FROM agent_tasks t
    WHERE t.status = 'processing' AND t.agent_id = b.agent_id AND t.started_at > b.opened_at LIMIT 1) p ON true
WHERE b.opened_at IS NOT NULL;
COMMENT ON VIEW open_breakers IS
    'Agents that are held back after errors in a row: open until next_try_at, then half-open while one task tries.';

INSERT INTO oppspot_migrations (number, name, breaking, applied_at)
VALUES (18, 'breakers', false, oppspot_now());
