-- See the function of that name, which people may call as well.
SELECT set_budget(%(scope)s, %(scope_id)s, %(limit_usd)s, %(period)s, %(on_unknown_price)s) AS id
