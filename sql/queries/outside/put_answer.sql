-- The newest answer counts.
INSERT INTO http_cache (key, source, url, status, refusal, headers, etag, last_modified, body, expires_at)
VALUES (%(key)s, %(source)s, %(url)s, %(status)s, %(refusal)s, %(headers)s::jsonb, %(etag)s, %(last_modified)s, %(body)s,
        oppspot_now() + make_interval(secs => %(keep_s)s))
ON CONFLICT (key) DO UPDATE SET
    url = excluded.url, status = excluded.status, refusal = excluded.refusal, headers = excluded.headers, etag = excluded.etag,
    last_modified = excluded.last_modified, body = excluded.body, fetched_at = excluded.fetched_at, expires_at = excluded.expires_at
RETURNING fetched_at
