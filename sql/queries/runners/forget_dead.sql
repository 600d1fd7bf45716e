-- Rows of dead runners whose tasks were all put back; kept for a day, so that people see who died.
DELETE FROM task_runners r WHERE r.lease_until < oppspot_now() - interval '1 day'
  AND NOT EXISTS (SELECT FROM agent_tasks t WHERE t.runner_id = r.id AND t.status = 'processing')
