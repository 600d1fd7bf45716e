-- Our tables of which this role may not read, add to, change and delete all rows: as after an upgrade by another one.
SELECT current_user AS role, string_agg(c.relname, ', ' ORDER BY c.relname) AS names,
       format('GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA %%1$I TO %%2$I; '
              'GRANT USAGE ON ALL SEQUENCES IN SCHEMA %%1$I TO %%2$I;', current_schema(), current_user) AS fix
FROM pg_class c
WHERE c.relnamespace = quote_ident(current_schema())::regnamespace AND c.relkind = 'r' AND c.relname = ANY (%(names)s::text[])
  AND NOT (has_table_privilege(c.oid, 'SELECT') AND has_table_privilege(c.oid, 'INSERT')
           AND has_table_privilege(c.oid, 'UPDATE') AND has_table_privilege(c.oid, 'DELETE'))
HAVING count(*) > 0
