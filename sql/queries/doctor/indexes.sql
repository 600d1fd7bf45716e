-- Our indexes that are missing, and those that may not be used because their making was interrupted, each
-- with the statement that mends it while tasks run.
SELECT w.name, i.indexrelid IS NOT NULL AS there,
       CASE WHEN i.indexrelid IS NOT NULL
            THEN format('REINDEX INDEX CONCURRENTLY %%I.%%I;', current_schema(), w.name)
            ELSE CASE WHEN current_schema() = 'public' THEN '' ELSE format('SET search_path TO %%I; ', current_schema()) END
                || format('CREATE %%s CONCURRENTLY %%I %%s;', CASE WHEN w.is_unique THEN 'UNIQUE INDEX' ELSE 'INDEX' END, w.name, w.place)
       END AS fix
FROM unnest(%(names)s::text[], %(unique)s::boolean[], %(on)s::text[]) AS w (name, is_unique, place)
LEFT JOIN (pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_namespace n ON n.oid = c.relnamespace)
    ON n.nspname = current_schema() AND c.relname = w.name
WHERE i.indexrelid IS NULL OR NOT (i.indisvalid AND i.indisready)
