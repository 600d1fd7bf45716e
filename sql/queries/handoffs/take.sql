-- A worker begins: whoever asks first, and only while an attempt wants it. A message that comes twice, or late, finds
-- nothing.
UPDATE task_handoffs h SET started_at = oppspot_now(), beat_at = oppspot_now(), worker = %(worker)s
WHERE h.handle = %(handle)s AND h.started_at IS NULL AND EXISTS (
    SELECT FROM agent_tasks t
    WHERE t.id = ANY (h.task_id || h.companions) AND t.run_token = ANY (h.run_token || h.companion_tokens))
RETURNING h.task_id || h.companions AS task_ids, h.run_token || h.companion_tokens AS tokens, h.ticket, h.runner_id
