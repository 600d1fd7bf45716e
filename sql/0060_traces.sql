-- Which trace a task belongs to, so that one trace leads from whoever put it in over its attempts to what
-- depends on it.
--
-- A trace is named by a traceparent, as W3C Trace Context has it. Whoever puts tasks in says it once for his
-- transaction, and every task and run that the transaction makes has it, by whatever function:
--
--     SELECT set_config('oppspot.traceparent', '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01', true);
--
-- Where nobody says it nothing is kept.

SET LOCAL lock_timeout = '30s';

-- In two steps: a column whose default comes with it would be filled from this session.
ALTER TABLE agent_tasks ADD COLUMN traceparent text;
ALTER TABLE agent_tasks ALTER COLUMN traceparent SET DEFAULT nullif(current_setting('oppspot.traceparent', true), '');
ALTER TABLE stream_runs ADD COLUMN traceparent text;
ALTER TABLE stream_runs ALTER COLUMN traceparent SET DEFAULT nullif(current_setting('oppspot.traceparent', true), '');
COMMENT ON COLUMN agent_tasks.traceparent IS 'The span of whoever put it in; its attempts belong to the same trace.';
COMMENT ON COLUMN stream_runs.traceparent IS 'The span that its tasks hang from.';

-- As before, and the tasks of a run belong to its trace.
CREATE OR REPLACE FUNCTION start_run_tasks(p_runs uuid[], p_agents uuid[]) RETURNS integer
LANGUAGE plpgsql SET search_path FROM CURRENT AS
$$
DECLARE
    started integer;
BEGIN
    INSERT INTO agent_tasks (id, agent_id, org_id, stream_id, task_type, priority, payload, requested_by, run_id, limit_key,
                             traceparent)
    SELECT n.task_id, n.agent_id, r.org_id, r.stream_id,
           coalesce(nullif(a.configuration ->> 'task_type', ''), 'agent_execution'),
           r.priority, i.input, r.requested_by, r.id, agent_limit_key(a.configuration, i.input), r.traceparent
    FROM stream_run_nodes n
    JOIN stream_runs r ON r.id = n.run_id
    JOIN ai_agents a ON a.id = n.agent_id
    CROSS JOIN LATERAL (
        SELECT CASE WHEN r.stream_id IS NOT NULL OR n.depends_on = '{}' THEN r.payload
               ELSE coalesce((SELECT e.output_data FROM stream_run_nodes p JOIN agent_executions e ON e.id = p.execution_id
                              WHERE p.run_id = n.run_id AND p.agent_id = n.depends_on[1]), '{}') END AS input) i
    WHERE n.run_id = ANY (p_runs) AND n.agent_id = ANY (p_agents) AND n.status = 'queued'
      AND NOT EXISTS (SELECT FROM agent_tasks t WHERE t.id = n.task_id)
    ORDER BY n.run_id, n.execution_order NULLS LAST, n.agent_id;
    GET DIAGNOSTICS started = ROW_COUNT;
    RETURN started;
END
$$;

INSERT INTO oppspot_migrations (number, name, breaking, applied_at)
VALUES (60, 'traces', false, oppspot_now());
