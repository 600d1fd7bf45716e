-- A new token; what it is nobody can read here.
INSERT INTO api_tokens (org_id, name, scope, hash, beginning, created_by, expires_at)
VALUES (%(org_id)s, %(name)s, %(scope)s, %(hash)s, %(beginning)s, %(created_by)s,
        oppspot_now() + make_interval(secs => %(good_for_s)s))
RETURNING id, org_id, name, scope, beginning, created_at, created_by, expires_at, last_used_at, revoked_at
