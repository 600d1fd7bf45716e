-- What is kept of an answer, with its age, unless its time is over.
SELECT c.status, c.refusal, c.url, c.headers, c.etag, c.last_modified, c.body, c.fetched_at,
       extract(epoch FROM oppspot_now() - c.fetched_at)::float8 AS age_s
FROM http_cache c WHERE c.key = %(key)s AND c.expires_at > oppspot_now()
