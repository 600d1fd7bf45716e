-- The counts of the view for whom an organisation's policies show few of all tasks: no tally holds for him, so they
-- are counted, status by status in the order of an index.
SELECT coalesce(sum(n) FILTER (WHERE status = 'pending'), 0)::bigint AS pending,
       coalesce(sum(n) FILTER (WHERE status = 'processing'), 0)::bigint AS processing,
       coalesce(sum(n) FILTER (WHERE status = 'completed'), 0)::bigint AS completed,
       coalesce(sum(n) FILTER (WHERE status = 'failed'), 0)::bigint AS failed,
       coalesce(sum(n) FILTER (WHERE status = 'cancelled'), 0)::bigint AS cancelled,
       coalesce(sum(n), 0)::bigint AS total
FROM (SELECT t.status, count(*) AS n FROM agent_tasks t GROUP BY t.status) s
