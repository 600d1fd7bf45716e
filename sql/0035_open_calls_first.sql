-- Open calls are found first, and tasks by their keys, one by one: joined, a plan may walk all that ever were.

SET LOCAL lock_timeout = '30s';

CREATE OR REPLACE FUNCTION held_by_calls(p_scope text, p_scope_id uuid, p_since timestamptz) RETURNS numeric
LANGUAGE sql STABLE SET search_path FROM CURRENT AS
$$
    WITH opened AS MATERIALIZED (
        SELECT c.task_id, c.run_token, c.estimate_usd FROM model_calls c
        WHERE c.status = 'started' AND c.started_at >= p_since AND CASE p_scope
            WHEN 'task' THEN p_scope_id = c.task_id OR p_scope_id = ANY (c.ancestor_ids)
            WHEN 'run' THEN p_scope_id = c.run_id WHEN 'agent' THEN p_scope_id = c.agent_id
            WHEN 'stream' THEN p_scope_id = c.stream_id ELSE p_scope_id = c.org_id END
    )
    SELECT coalesce(sum(o.estimate_usd), 0) FROM opened o CROSS JOIN LATERAL (
        SELECT FROM agent_tasks t WHERE t.id = o.task_id AND t.run_token = o.run_token LIMIT 1) t
$$;

CREATE OR REPLACE FUNCTION lose_model_calls() RETURNS integer
LANGUAGE plpgsql SET search_path FROM CURRENT AS
$$
DECLARE
    lost integer;
BEGIN
    UPDATE model_calls c SET status = 'lost', finished_at = oppspot_now() WHERE c.id = ANY (ARRAY(
        SELECT x.id FROM model_calls x LEFT JOIN LATERAL (
            SELECT true AS runs FROM agent_tasks t WHERE t.id = x.task_id AND t.run_token = x.run_token LIMIT 1) t ON true
        WHERE x.status = 'started' AND t.runs IS NULL
        LIMIT 100 FOR UPDATE OF x SKIP LOCKED));
    GET DIAGNOSTICS lost = ROW_COUNT;
    RETURN lost;
END
$$;

CREATE OR REPLACE FUNCTION tasks_above(p_id uuid) RETURNS TABLE (id uuid, depth integer, run_id uuid, stream_id uuid)
LANGUAGE sql STABLE ROWS 2 SET search_path FROM CURRENT AS
$$
    WITH RECURSIVE above AS (
        SELECT t.id, t.parent_task_id, 0 AS depth, t.run_id, t.stream_id FROM agent_tasks t WHERE t.id = p_id
        UNION ALL
        SELECT p.id, p.parent_task_id, a.depth + 1, p.run_id, p.stream_id FROM above a CROSS JOIN LATERAL (
            SELECT * FROM agent_tasks t WHERE t.id = a.parent_task_id LIMIT 1) p
        WHERE a.depth < 100
    )
    SELECT a.id, a.depth, a.run_id,
           coalesce(a.stream_id, (SELECT r.stream_id FROM stream_runs r WHERE r.id = a.run_id))
    FROM above a
$$;

CREATE OR REPLACE FUNCTION tasks_below(p_id uuid) RETURNS TABLE (id uuid)
LANGUAGE sql STABLE ROWS 10 SET search_path FROM CURRENT AS
$$
    WITH RECURSIVE below AS (
        SELECT p_id AS id
        UNION
        SELECT c.id FROM below b CROSS JOIN LATERAL (
            SELECT t.id FROM agent_tasks t WHERE t.parent_task_id = b.id OFFSET 0) c
    )
    SELECT b.id FROM below b
$$;

INSERT INTO oppspot_migrations (number, name, breaking, applied_at)
VALUES (35, 'open_calls_first', false, oppspot_now());
