-- How the children of one spawn ended, in the order of their payloads: their ids count up.
SELECT c.id, c.status, c.error_message, CASE WHEN c.status = 'completed' THEN (
    SELECT e.output_data FROM agent_executions e
    WHERE e.task_id = c.id AND e.status = 'completed' ORDER BY e.attempt DESC LIMIT 1) END AS output
FROM agent_tasks c WHERE c.id BETWEEN %(first)s::uuid AND %(last)s::uuid ORDER BY c.id
