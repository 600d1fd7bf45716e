-- The next events of a run, with how the run stands at the same moment: one row without an event when
-- there is none, no row when there is no such run. Results come from the attempts that made them. A
-- page ends before it becomes too large for one answer; so do the results of all agents together.
SELECT r.id AS run_id, r.status AS run_status, r.last_event, e.seq, e.type, e.agent_id, e.agent_name, e.task_id,
       e.attempt, e.created_at, e.data, e.output,
       CASE WHEN e.type IN ('completed', 'error', 'cancelled') THEN (
           SELECT jsonb_object_agg(s.agent_id, CASE WHEN s.before < 16777216 THEN s.output_data
                                                    ELSE jsonb_build_object('_cut', jsonb_build_object('bytes', s.bytes)) END)
           FROM (
               SELECT n.agent_id, x.output_data, pg_column_size(x.output_data) AS bytes,
                      coalesce(sum(pg_column_size(x.output_data)) OVER (
                          ORDER BY n.level, n.agent_id ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS before
               FROM stream_run_nodes n JOIN agent_executions x ON x.id = n.execution_id
               WHERE n.run_id = r.id AND n.status = 'completed') s)
       END AS results
FROM stream_runs r
LEFT JOIN LATERAL (
    SELECT p.*, a.name AS agent_name, x.output_data AS output,
           coalesce(sum(pg_column_size(p.data) + coalesce(pg_column_size(x.output_data), 0)) OVER (
               ORDER BY p.seq ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS before
    FROM (SELECT v.* FROM run_events v WHERE v.run_id = r.id AND v.seq > %(after)s::bigint ORDER BY v.seq LIMIT 500) p
    LEFT JOIN ai_agents a ON a.id = p.agent_id
    LEFT JOIN agent_executions x ON x.id = p.execution_id AND p.type = 'output'
) e ON e.before < 1048576
WHERE r.id = %(run_id)s
ORDER BY e.seq
