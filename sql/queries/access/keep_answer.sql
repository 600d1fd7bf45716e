-- In the transaction of the change: the answer is there exactly when the change is.
INSERT INTO idempotency_keys (owner, key, fingerprint, status, body)
VALUES (%(owner)s, %(key)s, %(fingerprint)s, %(status)s, %(body)s)
