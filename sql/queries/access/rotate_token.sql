-- A token like an old one that is good; that one stays good for a while, and no longer than it would have been. The new
-- one lives as long as the old one was to.
WITH old AS MATERIALIZED (
    SELECT t.id, t.org_id, t.name, t.scope, t.expires_at - t.created_at AS lives FROM api_tokens t
    WHERE t.id = %(token_id)s AND t.revoked_at IS NULL AND coalesce(t.expires_at > oppspot_now(), true)
    FOR NO KEY UPDATE
), shortened AS (
    UPDATE api_tokens t SET expires_at = least(t.expires_at, oppspot_now() + make_interval(secs => %(stays_s)s))
    FROM old WHERE t.id = old.id
)
INSERT INTO api_tokens (org_id, name, scope, hash, beginning, created_by, expires_at)
SELECT org_id, name, scope, %(hash)s, %(beginning)s, %(created_by)s, oppspot_now() + lives FROM old
RETURNING id, org_id, name, scope, beginning, created_at, created_by, expires_at, last_used_at, revoked_at
