-- How well our tables are looked after: dead rows, the last vacuum, whether one comes by itself.
SELECT c.relname AS name, coalesce(s.n_live_tup, 0) AS live, coalesce(s.n_dead_tup, 0) AS dead,
       extract(epoch FROM oppspot_now() - greatest(s.last_vacuum, s.last_autovacuum))::float8 AS vacuumed_s,
       coalesce((SELECT o.option_value::boolean FROM pg_options_to_table(c.reloptions) o
                 WHERE o.option_name = 'autovacuum_enabled'), true) AS autovacuum,
       format('VACUUM (ANALYZE) %%I.%%I;', n.nspname, c.relname) AS vacuum_fix,
       format('ALTER TABLE %%I.%%I RESET (autovacuum_enabled);', n.nspname, c.relname) AS autovacuum_fix,
       format('ANALYZE %%I.%%I;', n.nspname, c.relname) AS analyze_fix, c.relpages AS pages
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_stat_all_tables s ON s.relid = c.oid
WHERE n.nspname = current_schema() AND c.relkind = 'r' AND c.relname = ANY (%(names)s::text[])
ORDER BY c.relname
