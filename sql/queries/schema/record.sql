-- In the transaction of the migration itself: applied and recorded, or neither.
INSERT INTO oppspot_migrations (number, name, breaking, applied_at)
VALUES (%(number)s, %(name)s, %(breaking)s, oppspot_now())
