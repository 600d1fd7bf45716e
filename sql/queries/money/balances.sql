-- Budgets in their periods of now.
SELECT * FROM budget_balances ORDER BY scope, name, scope_id, period
