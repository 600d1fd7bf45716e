-- What a claim costs now. It is really run, in a transaction that is rolled back.
EXPLAIN (ANALYZE, BUFFERS, TIMING OFF, FORMAT JSON) {claim}
