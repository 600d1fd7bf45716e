-- What this database and this role lack for requests of organisations, and what to run.
WITH api AS (SELECT oid FROM pg_roles WHERE rolname = 'oppspot_api'), server AS (
    SELECT oid FROM pg_roles WHERE rolname = 'oppspot_server'
), bare AS (
    SELECT string_agg(c.relname, ', ' ORDER BY c.relname) AS names FROM pg_class c
    WHERE c.relnamespace = quote_ident(current_schema())::regnamespace AND c.relkind = 'r'
      AND (c.relname = 'agent_tasks' OR EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = c.oid AND p.polname = 'oppspot_everybody'))
      AND NOT EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = c.oid AND p.polname = 'oppspot_api_select')
)
SELECT l.what, l.fix FROM (
    SELECT 1, 'PostgreSQL is older than 15, whose views show the rows of everybody' AS what, 'Use PostgreSQL 15 or newer.' AS fix
    WHERE current_setting('server_version_num')::integer < 150000
    UNION ALL
    SELECT 2, 'there is no role oppspot_api', 'CREATE ROLE oppspot_api NOLOGIN NOINHERIT;' WHERE NOT EXISTS (SELECT FROM api)
    UNION ALL
    SELECT 3, 'there is no role oppspot_server', 'CREATE ROLE oppspot_server NOLOGIN NOINHERIT IN ROLE oppspot_api;'
    WHERE NOT EXISTS (SELECT FROM server)
    UNION ALL
    SELECT 4, format('the role %s is no member of oppspot_server', session_user), format('GRANT oppspot_server TO %I;', session_user)
    WHERE NOT EXISTS (SELECT FROM api WHERE pg_has_role(session_user, oid, 'MEMBER'))
    UNION ALL
    SELECT 5, format('there are no policies on %s', names), format('SET search_path = %I; SELECT arrange_access();', current_schema())
    FROM bare WHERE names IS NOT NULL
    UNION ALL
    SELECT 6, format('oppspot_api may not use the schema %s', current_schema()), format('GRANT USAGE ON SCHEMA %I TO oppspot_api;', current_schema())
    FROM api WHERE NOT has_schema_privilege(oid, current_schema(), 'USAGE')) AS l (place, what, fix)
ORDER BY l.place
