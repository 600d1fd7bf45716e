-- The answer that this request got before. Whoever comes first holds the key until his transaction ends.
WITH turn AS MATERIALIZED (SELECT pg_advisory_xact_lock(hashtextextended(%(owner)s || ' ' || %(key)s, 0)))
SELECT k.fingerprint, k.status, k.body FROM turn LEFT JOIN idempotency_keys k ON k.owner = %(owner)s AND k.key = %(key)s
