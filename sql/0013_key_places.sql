-- Who comes back into line for a key that has room. A task in line that cannot start for another reason (its
-- agent is paused, another of its limits is reached, no runner takes its type) holds no place of its
-- key: others of that key would wait for it, perhaps for days.

SET LOCAL lock_timeout = '30s';

-- By lanes, because all tasks of a lane can start, or none.
DROP INDEX agent_tasks_blocked;
CREATE INDEX agent_tasks_blocked ON agent_tasks (limit_key, task_lane(task_type, agent_id, org_id), priority DESC, ready_seq)
    WHERE status = 'pending' AND blocked;

-- The lanes of tasks of a key that are out of line, one probe each.
CREATE FUNCTION blocked_lanes(wanted text) RETURNS TABLE (lane bigint, task_type text, agent_id uuid, org_id uuid)
LANGUAGE sql STABLE
BEGIN ATOMIC
    WITH RECURSIVE walk AS (
        (SELECT task_lane(t.task_type, t.agent_id, t.org_id) AS lane, t.task_type, t.agent_id, t.org_id FROM agent_tasks t
         WHERE t.status = 'pending' AND t.blocked AND t.limit_key = wanted
         ORDER BY task_lane(t.task_type, t.agent_id, t.org_id) DESC LIMIT 1)
        UNION ALL
        SELECT n.* FROM walk w CROSS JOIN LATERAL (
            SELECT task_lane(t.task_type, t.agent_id, t.org_id) AS lane, t.task_type, t.agent_id, t.org_id FROM agent_tasks t
            WHERE t.status = 'pending' AND t.blocked AND t.limit_key = wanted
              AND task_lane(t.task_type, t.agent_id, t.org_id) < w.lane
            ORDER BY task_lane(t.task_type, t.agent_id, t.org_id) DESC LIMIT 1) n
    )
    SELECT * FROM walk;
END;

-- The next two are in plpgsql because it keeps their plans.

-- Whether such tasks could start now if they had no key. Claims decide; this is a good guess.
CREATE FUNCTION may_start(agent_id uuid, task_type text, org_id uuid) RETURNS boolean
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
                 AND (r.task_types IS NULL OR $2 = ANY (r.task_types))));
END
$$;

-- Lets tasks of a key into line in their order, only those that may start or any; how many came in.
CREATE FUNCTION let_in(wanted text, most integer, only_able boolean) RETURNS integer
LANGUAGE plpgsql VOLATILE SET search_path FROM CURRENT AS
$$
DECLARE
    changed integer;
BEGIN
    IF most <= 0 THEN
        RETURN 0;
    END IF;
    UPDATE agent_tasks t SET blocked = false WHERE t.ctid = ANY (ARRAY(
        SELECT k.ctid FROM (
            SELECT l.*, h.ctid FROM blocked_lanes(wanted) l CROSS JOIN LATERAL (
                SELECT q.ctid, q.priority, q.ready_seq FROM agent_tasks q
                WHERE q.status = 'pending' AND q.blocked AND q.limit_key = wanted
                  AND task_lane(q.task_type, q.agent_id, q.org_id) = l.lane
                ORDER BY q.priority DESC, q.ready_seq LIMIT most) h
            ORDER BY h.priority DESC, h.ready_seq OFFSET 0) c
        CROSS JOIN LATERAL (
            SELECT q.ctid FROM agent_tasks q WHERE q.ctid = c.ctid AND q.status = 'pending' AND q.blocked
            LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED) k
        WHERE NOT only_able OR may_start(c.agent_id, c.task_type, c.org_id)
        LIMIT most));
    GET DIAGNOSTICS changed = ROW_COUNT;
    RETURN changed;
END
$$;

-- As before, but only tasks that may start hold a place; where places are left, others get them.
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
        OR EXISTS (SELECT FROM task_runners WHERE task_types IS NOT NULL);
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

INSERT INTO oppspot_migrations (number, name, breaking, applied_at)
VALUES (13, 'key_places', false, oppspot_now());
