-- Answers of sources about these companies and their officers, and any other that says the name, where one is given.
DELETE FROM http_cache h
WHERE h.url LIKE ANY (%(urls)s::text[])
   OR CASE WHEN %(pattern)s::text IS NULL THEN false
           ELSE h.url ~* %(pattern)s::text OR text_of(h.body) ~* %(pattern)s::text END
