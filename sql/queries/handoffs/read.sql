-- How far bodies are that somebody waits for.
SELECT h.handle, h.ticket, h.result, h.worker, h.started_at IS NOT NULL AS started, h.ended_at IS NOT NULL AS ended,
       extract(epoch FROM oppspot_now() - h.beat_at)::float8 AS silent_s
FROM task_handoffs h WHERE h.handle = ANY (%(handles)s::uuid[])
