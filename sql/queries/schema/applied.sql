SELECT number, name, breaking FROM oppspot_migrations ORDER BY number
