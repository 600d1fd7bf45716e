-- A cursor never moves back, whoever writes it last.
INSERT INTO source_cursors AS c (agent_id, source, seen_until)
VALUES (%(agent_id)s, %(source)s, %(seen_until)s)
ON CONFLICT (agent_id, source) DO UPDATE SET seen_until = excluded.seen_until, updated_at = oppspot_now()
WHERE c.seen_until < excluded.seen_until
