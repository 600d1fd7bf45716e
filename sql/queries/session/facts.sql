-- Who answers, and where unqualified names lead. A pid that differs from the one of the connection's
-- start-up message means that a pooler stands in between.
SELECT pg_backend_pid() AS pid, current_schema() AS schema
