-- What this transaction may: who asks, whether it may change anything, and which role policies hold for (NULL = as it was).
SELECT set_config('oppspot.token', %(token)s, true), set_config('transaction_read_only', %(read_only)s, true),
       set_config('role', coalesce(%(role)s, current_setting('role')), true)
