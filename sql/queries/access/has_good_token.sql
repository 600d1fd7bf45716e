-- Whether anybody could use HTTP with a token.
SELECT EXISTS (SELECT FROM api_tokens t WHERE t.revoked_at IS NULL AND (t.expires_at IS NULL OR t.expires_at > oppspot_now())) AS there
