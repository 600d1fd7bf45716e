-- FORCE: a connection that a test left open must not keep its database.
DROP DATABASE IF EXISTS {name} WITH (FORCE)
