SELECT to_regclass(quote_ident(%(schema)s) || '.oppspot_migrations') IS NOT NULL AS prepared
