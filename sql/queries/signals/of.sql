-- Signals of companies that count now, the newest first.
SELECT company_id, jsonb_build_array(signal_type, strength, confidence, extract(epoch FROM occurred_at),
    array_to_string(sources, ', '), title) AS signal
FROM current_signals
WHERE company_id = ANY (%(ids)s::uuid[]) AND org_id IS NOT DISTINCT FROM %(org_id)s::uuid
ORDER BY company_id, occurred_at DESC, id
