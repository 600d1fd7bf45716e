-- The counts of the view for whom an organisation's policies show few of all tasks: no tally holds for him, so they
-- are counted, in one pass.
SELECT count(*) FILTER (WHERE t.status = 'pending') AS pending, count(*) FILTER (WHERE t.status = 'processing') AS processing,
       count(*) FILTER (WHERE t.status = 'completed') AS completed, count(*) FILTER (WHERE t.status = 'failed') AS failed,
       count(*) FILTER (WHERE t.status = 'cancelled') AS cancelled, count(*) AS total
FROM agent_tasks t
