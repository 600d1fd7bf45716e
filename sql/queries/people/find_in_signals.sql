-- Companies of which a headline says the name.
SELECT DISTINCT c.id, c.name FROM buying_signals s JOIN companies c ON c.id = s.company_id WHERE s.title ~* %(pattern)s
