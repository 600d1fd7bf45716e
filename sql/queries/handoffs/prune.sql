-- All whose attempt has ended, or was taken away: also what sweep does not see, because a living runner could not drop
-- it, or its task was deleted. Until then such a row does no harm: no worker begins the body, one that has begun it
-- ends, and only who looks at the table sees it.
DELETE FROM task_handoffs h WHERE NOT EXISTS (
    SELECT FROM agent_tasks t
    WHERE t.id = ANY (h.task_id || h.companions) AND t.run_token = ANY (h.run_token || h.companion_tokens))
