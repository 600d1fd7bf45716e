-- Keys of limits: an agent may say which field of a payload is the key of its tasks; and what changes, or
-- goes away, takes its limits with it.

SET LOCAL lock_timeout = '30s';

-- The text or the number in the field of the payload that the agent's configuration names.
CREATE FUNCTION agent_limit_key(configuration jsonb, payload jsonb) RETURNS text
LANGUAGE sql IMMUTABLE
RETURN CASE WHEN configuration ? 'limit_key' AND jsonb_typeof(payload -> (configuration ->> 'limit_key')) IN ('string', 'number')
    THEN nullif(left(payload ->> (configuration ->> 'limit_key'), 200), '') END;
COMMENT ON FUNCTION agent_limit_key(jsonb, jsonb) IS
    'The limit_key of a task that was given none: from the field of its payload that the configuration of its agent names.';

-- As before, and with that key; add_tasks (0010) asks for it too.
CREATE OR REPLACE FUNCTION start_run_tasks(p_runs uuid[], p_agents uuid[]) RETURNS integer
LANGUAGE sql SET search_path FROM CURRENT AS
$$
    WITH started AS (
        INSERT INTO agent_tasks (id, agent_id, org_id, stream_id, task_type, priority, payload, requested_by, run_id, limit_key)
        SELECT n.task_id, n.agent_id, r.org_id, r.stream_id,
               coalesce(nullif(a.configuration ->> 'task_type', ''), 'agent_execution'),
               r.priority, r.payload, r.requested_by, r.id, agent_limit_key(a.configuration, r.payload)
        FROM stream_run_nodes n
        JOIN stream_runs r ON r.id = n.run_id
        JOIN ai_agents a ON a.id = n.agent_id
        WHERE n.run_id = ANY (p_runs) AND n.agent_id = ANY (p_agents) AND n.status = 'queued'
          AND NOT EXISTS (SELECT FROM agent_tasks t WHERE t.id = n.task_id)
        ORDER BY n.run_id, n.execution_order NULLS LAST, n.agent_id
        RETURNING 1
    )
    SELECT count(*)::integer FROM started
$$;

-- Out of line because its old key was full: of the new one nobody knows yet.
CREATE FUNCTION agent_tasks_new_key() RETURNS trigger
LANGUAGE plpgsql SET search_path FROM CURRENT AS
$$
BEGIN
    NEW.blocked := false;
    RETURN NEW;
END
$$;
CREATE TRIGGER agent_tasks_new_key BEFORE UPDATE OF limit_key ON agent_tasks FOR EACH ROW
WHEN (NEW.blocked AND NEW.limit_key IS DISTINCT FROM OLD.limit_key)
EXECUTE FUNCTION agent_tasks_new_key();

-- Digits are those of ASCII, whatever the collation: others have no number here.
CREATE OR REPLACE FUNCTION limit_rate(given text) RETURNS double precision
LANGUAGE sql IMMUTABLE AS
$$
    SELECT CASE WHEN f IS NOT NULL AND f[1]::float8 > 0 THEN f[1]::float8 / (
        coalesce(nullif(f[2], ''), '1')::float8 * CASE f[3] WHEN 's' THEN 1 WHEN 'm' THEN 60 WHEN 'h' THEN 3600 ELSE 86400 END) END
    FROM regexp_match(given, '^\s*([0-9]{1,6}(?:\.[0-9]{1,6})?)\s*/\s*([1-9][0-9]{0,4})?\s*([smhd])\s*$') AS f
$$;

-- A configuration may become NULL; an agent that is deleted has no limits any more, whoever set them.
CREATE OR REPLACE FUNCTION ai_agents_limits() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS
$$
DECLARE
    told jsonb := CASE WHEN TG_OP <> 'DELETE' AND jsonb_typeof(NEW.configuration) = 'object' THEN NEW.configuration ELSE '{}' END;
    most integer := CASE WHEN told ->> 'concurrency' ~ '^[0-9]{1,9}$' THEN (told ->> 'concurrency')::integer END;
    pace double precision := limit_rate(told ->> 'rate');
BEGIN
    IF most IS NULL AND pace IS NULL THEN
        DELETE FROM task_limits l WHERE l.scope = 'agent' AND (l.source = 'configuration' OR TG_OP = 'DELETE')
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
DO $$
BEGIN
    -- Nothing that a caller can make may come before ours: it runs with its owner's rights.
    EXECUTE format('ALTER FUNCTION ai_agents_limits() SET search_path = %I, pg_temp', current_schema());
END $$;
DROP TRIGGER ai_agents_limits ON ai_agents;
CREATE TRIGGER ai_agents_limits AFTER INSERT OR UPDATE OF configuration ON ai_agents FOR EACH ROW
EXECUTE FUNCTION ai_agents_limits();
DELETE FROM task_limits l WHERE l.scope = 'agent' AND NOT EXISTS (
    SELECT FROM ai_agents a WHERE a.id::text = l.key AND (l.source <> 'configuration' OR a.configuration IS NOT NULL));

INSERT INTO oppspot_migrations (number, name, breaking, applied_at)
VALUES (12, 'limit_keys', false, oppspot_now());
