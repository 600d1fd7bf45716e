-- quote_ident, because the name comes from a setting.
SELECT set_config('search_path', quote_ident(%(schema)s), false)
