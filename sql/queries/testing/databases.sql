-- The databases that tests made here.
SELECT datname AS name FROM pg_database WHERE datname LIKE 'oppspot\_test\_%' OR datname LIKE 'oppspot\_base\_%'
