-- For this transaction: millions of companies may take longer than a statement is given else.
SELECT set_config('statement_timeout', '30min', true)
