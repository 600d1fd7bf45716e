-- What somebody decided about a signal.
UPDATE buying_signals SET status = %(status)s, decided_by = %(decided_by)s, decided_at = oppspot_now()
WHERE id = %(signal_id)s
RETURNING id, company_id, signal_type, title, status, decided_by, decided_at
