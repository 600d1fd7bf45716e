-- Before a claim that minds limits, in the same transaction: whose turn it is to count free places.
-- Nobody waits for it; who does not get it leaves limited tasks alone this time. The claim is a statement
-- of its own, so it sees what the last holder committed; and it is large: planned once for each connection,
-- not for the values of each of its first runs.
SELECT set_config('oppspot.limits_held',
    pg_try_advisory_xact_lock(hashtextextended(current_schema() || '.task_limits', 0))::text, true),
    set_config('plan_cache_mode', 'force_generic_plan', true)
