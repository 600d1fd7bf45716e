-- The files record themselves, for people who run them by psql; this is for one that forgot.
INSERT INTO oppspot_migrations (number, name, breaking, applied_at)
VALUES (%(number)s, %(name)s, %(breaking)s, oppspot_now())
ON CONFLICT (number) DO NOTHING
