-- Its history stays: that is in agent_tasks and agent_executions.
DELETE FROM stream_agent_assignments WHERE stream_id = %(stream_id)s AND agent_id = %(agent_id)s RETURNING id
