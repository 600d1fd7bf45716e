-- The last of so many companies behind `after`; none when there are not so many any more.
SELECT id FROM companies WHERE %(after)s::uuid IS NULL OR id > %(after)s ORDER BY id OFFSET %(last)s LIMIT 1
