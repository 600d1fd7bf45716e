-- Tokens, the newest first, from the one after `before` on; with `token_id` that one.
SELECT t.id, t.org_id, o.name AS org_name, t.name, t.scope, t.beginning, t.created_at, t.created_by, t.expires_at,
       t.last_used_at, t.revoked_at,
       CASE WHEN t.revoked_at IS NOT NULL THEN 'revoked' WHEN t.expires_at <= oppspot_now() THEN 'expired' ELSE 'good' END AS state
FROM api_tokens t LEFT JOIN organizations o ON o.id = t.org_id
WHERE (%(before)s::uuid IS NULL OR t.id < %(before)s::uuid) AND (%(token_id)s::uuid IS NULL OR t.id = %(token_id)s::uuid)
ORDER BY t.id DESC LIMIT %(limit)s
