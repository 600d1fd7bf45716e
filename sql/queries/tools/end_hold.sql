-- Calls are let through again although the other side said to wait.
UPDATE tool_call_rates r SET held_until = NULL
WHERE r.key = %(key)s AND r.held_until > oppspot_now()
RETURNING r.key
