-- Signals by the first characters of their ids.
SELECT id FROM buying_signals WHERE id BETWEEN %(low)s::uuid AND %(high)s::uuid ORDER BY id LIMIT 10
