-- Answers of sources about these companies and their officers, and any other that says the name.
DELETE FROM http_cache h WHERE h.url LIKE ANY (%(urls)s::text[]) OR text_of(h.body) ~* %(pattern)s::text
