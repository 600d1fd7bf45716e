-- Which of these tokens are good at this moment.
SELECT t.id FROM api_tokens t
WHERE t.id = ANY (%(ids)s::uuid[]) AND t.revoked_at IS NULL AND (t.expires_at IS NULL OR t.expires_at > oppspot_now())
