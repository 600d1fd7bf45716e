-- ALTER SYSTEM alone only writes a file.
SELECT pg_reload_conf()
