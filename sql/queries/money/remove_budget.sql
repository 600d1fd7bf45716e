-- See the function of that name, which people may call as well.
SELECT remove_budget(%(scope)s, %(scope_id)s, %(period)s) AS removed
