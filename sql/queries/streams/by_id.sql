-- For this transaction: companies are taken in the order of their ids, by one plan for all values. Of a few
-- thousand rows in a row the planner would else ask every index for all of its rows and keep those few (100 ms
-- instead of 10), and think longer than that looking takes.
SELECT set_config('enable_bitmapscan', 'off', true), set_config('enable_seqscan', 'off', true),
    set_config('plan_cache_mode', 'force_generic_plan', true)
