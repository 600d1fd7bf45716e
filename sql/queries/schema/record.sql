INSERT INTO oppspot_migrations (number, name, breaking, applied_at)
VALUES (%(number)s, %(name)s, %(breaking)s, oppspot_now())
