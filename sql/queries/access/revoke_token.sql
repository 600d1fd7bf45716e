-- Ends a token at once; the first end keeps its time.
UPDATE api_tokens t SET revoked_at = oppspot_now() WHERE t.id = %(token_id)s AND t.revoked_at IS NULL RETURNING t.id
