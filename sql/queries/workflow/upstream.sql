-- Outputs of the agents that this task's node depended on. A task that replays another one began a run
-- of its own: it gets what the replayed one got, in the run of that.
WITH RECURSIVE lineage AS (
    SELECT t.run_id, t.agent_id, t.replay_of FROM agent_tasks t WHERE t.id = %(task_id)s
    UNION ALL
    SELECT t.run_id, t.agent_id, t.replay_of FROM lineage l JOIN agent_tasks t ON t.id = l.replay_of
)
SELECT d.agent_id, e.output_data AS output
FROM lineage l
JOIN stream_run_nodes n ON n.run_id = l.run_id AND n.agent_id = l.agent_id
JOIN stream_run_nodes d ON d.run_id = n.run_id AND d.agent_id = ANY (n.depends_on)
LEFT JOIN agent_executions e ON e.id = d.execution_id
