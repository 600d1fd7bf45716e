-- A new one; agents, streams and tokens name it by its id.
INSERT INTO organizations (name) VALUES (%(name)s) RETURNING id, name, created_at
