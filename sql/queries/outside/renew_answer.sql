-- The source said that nothing has changed.
UPDATE http_cache SET fetched_at = oppspot_now(), expires_at = oppspot_now() + make_interval(secs => %(keep_s)s)
WHERE key = %(key)s RETURNING fetched_at
