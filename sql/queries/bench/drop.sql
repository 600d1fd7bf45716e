-- Everything that a bench made is in a schema of its own.
DROP SCHEMA IF EXISTS {schema} CASCADE
