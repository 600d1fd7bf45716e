-- The answer that this request got before.
SELECT k.fingerprint, k.status, k.body FROM idempotency_keys k WHERE k.owner = %(owner)s AND k.key = %(key)s
