-- Of one source, or all.
DELETE FROM http_cache WHERE %(source)s::text IS NULL OR source = %(source)s::text
