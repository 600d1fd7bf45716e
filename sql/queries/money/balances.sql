-- Budgets in their periods of now, in the order in which they were set.
SELECT * FROM budget_balances b WHERE b.id > coalesce(%(after)s::uuid, '00000000-0000-0000-0000-000000000000')
ORDER BY b.id LIMIT %(limit)s
