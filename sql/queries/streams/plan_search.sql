-- What the planner thinks of a search over all companies, before it is run.
EXPLAIN (FORMAT JSON) {search}
