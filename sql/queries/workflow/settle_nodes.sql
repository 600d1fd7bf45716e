-- What depends on finished tasks goes on in the finishing transaction.
SELECT settle_run_nodes(%(run_ids)s::uuid[], %(agent_ids)s::uuid[], %(states)s::text[], %(execution_ids)s::uuid[]) AS started
