-- The token of that hash, good or not. When it was used is noted once a minute.
WITH found AS (
    SELECT t.id, t.org_id, t.name, t.scope, t.revoked_at IS NOT NULL AS revoked,
           coalesce(t.expires_at <= oppspot_now(), false) AS expired,
           t.last_used_at IS NULL OR t.last_used_at < oppspot_now() - interval '1 minute' AS stale
    FROM api_tokens t WHERE t.hash = %(hash)s
), noted AS (
    UPDATE api_tokens t SET last_used_at = oppspot_now() FROM found f
    WHERE t.id = f.id AND f.stale AND NOT f.revoked AND NOT f.expired
)
SELECT id, org_id, name, scope, revoked, expired FROM found
