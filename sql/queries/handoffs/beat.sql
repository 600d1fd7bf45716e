-- A worker says that it is at work, and learns by no row that nobody wants it any more.
UPDATE task_handoffs h SET beat_at = oppspot_now()
WHERE h.handle = %(handle)s AND h.started_at IS NOT NULL AND h.ended_at IS NULL AND EXISTS (
    SELECT FROM agent_tasks t
    WHERE t.id = ANY (h.task_id || h.companions) AND t.run_token = ANY (h.run_token || h.companion_tokens))
RETURNING h.handle
