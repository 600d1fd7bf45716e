-- Whether a claim is worth a try, asked at every poll. In the order of the index: without it a plan reads the
-- table when statistics are older than the last burst.
SELECT coalesce((SELECT true FROM agent_tasks WHERE status = 'pending' AND NOT parked AND NOT blocked
                 ORDER BY priority DESC, ready_seq LIMIT 1), false) AS ready
