-- What errors and successes that were just written do to the breakers of their agents.
SELECT agent_id, breaker FROM count_errors(%(mended)s::uuid[], %(agents)s::uuid[], %(starts)s::timestamptz[],
                                           %(errors)s::text[], %(most)s::integer[], %(open_for)s::float8[])
