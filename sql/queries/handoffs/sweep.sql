-- Those whose attempt has ended, or was taken away.
DELETE FROM task_handoffs h WHERE NOT EXISTS (
    SELECT FROM agent_tasks t
    WHERE t.id = ANY (h.task_id || h.companions) AND t.run_token = ANY (h.run_token || h.companion_tokens))
