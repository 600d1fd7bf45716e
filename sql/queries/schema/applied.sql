-- By number, so that a gap is seen where it is.
SELECT number, name, breaking FROM oppspot_migrations ORDER BY number
