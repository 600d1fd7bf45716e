-- What the server allows and how much of it is used. The data directory is told to those only who may
-- read all settings; a server without an address was reached through a socket, so it is on this host.
SELECT current_setting('server_version') AS version, current_user AS role, current_database() AS database,
       current_setting('autovacuum')::boolean AND current_setting('track_counts')::boolean AS autovacuum,
       format('ALTER SYSTEM SET %%s = on; SELECT pg_reload_conf();',
              CASE WHEN current_setting('autovacuum')::boolean THEN 'track_counts' ELSE 'autovacuum' END) AS autovacuum_fix,
       least(current_setting('max_connections')::integer
                 - current_setting('superuser_reserved_connections')::integer
                 - coalesce(current_setting('reserved_connections', true)::integer, 0),
             nullif(d.datconnlimit, -1), nullif(r.rolconnlimit, -1)) AS most_connections,
       (SELECT count(*) FROM pg_stat_activity a WHERE a.backend_type = 'client backend')::integer AS connections,
       format('ALTER SYSTEM SET max_connections = %%s;  -- then restart the server',
              current_setting('max_connections')::integer * 2) AS connections_fix,
       pg_has_role('pg_read_all_stats', 'USAGE') AS sees_all,
       format('GRANT pg_read_all_stats TO %%I;', current_user) AS sees_all_fix,
       CASE WHEN pg_has_role('pg_read_all_settings', 'USAGE') THEN current_setting('data_directory') END AS data_directory,
       inet_server_addr() IS NULL OR inet_server_addr() <<= '127.0.0.0/8' OR inet_server_addr() = '::1' AS is_here,
       pg_database_size(current_database()) AS database_bytes
FROM pg_database d, pg_roles r
WHERE d.datname = current_database() AND r.rolname = current_user
