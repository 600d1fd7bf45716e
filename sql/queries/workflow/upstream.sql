-- Outputs of the agents that this node depended on.
SELECT d.agent_id, e.output_data AS output
FROM stream_run_nodes n
JOIN stream_run_nodes d ON d.run_id = n.run_id AND d.agent_id = ANY (n.depends_on)
LEFT JOIN agent_executions e ON e.id = d.execution_id
WHERE n.run_id = %(run_id)s AND n.agent_id = %(agent_id)s
