-- Read from the catalogues, because to_regclass may answer from before the wait for a peer's lock. The
-- schema is asked for: CREATE SCHEMA IF NOT EXISTS wants rights even when there is nothing to create,
-- and without USAGE our tables would end in pg_temp.
SELECT count(*) > 0 AS created, coalesce(bool_and(has_schema_privilege(n.oid, 'USAGE')), false) AS usable,
       EXISTS (SELECT FROM pg_class c JOIN pg_namespace s ON s.oid = c.relnamespace
               WHERE s.nspname = %(schema)s AND c.relname = 'oppspot_migrations') AS prepared
FROM pg_namespace n WHERE n.nspname = %(schema)s
