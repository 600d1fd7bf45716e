-- to_regnamespace first: CREATE SCHEMA IF NOT EXISTS wants rights on the database even when there is
-- nothing to create.
SELECT to_regnamespace(quote_ident(%(schema)s)) IS NOT NULL AS created,
       to_regclass(quote_ident(%(schema)s) || '.oppspot_migrations') IS NOT NULL AS prepared
