-- Rows whose time has come get in line, in the order of their times, then of their places before: places
-- are drawn before they are joined to the rows, for a join keeps no order, and the rows are found by
-- ctid alone, so that no plan reads the table. Bounded; what is left comes with the next call.
-- `next_due_s` is how long until then: a 1 s back-off is 1 s, not a poll. `next_tick_s` is the same for
-- schedules, which may have been called as well: they cost no trip of their own.
WITH due AS MATERIALIZED (
    SELECT ctid, scheduled_for, ready_seq FROM agent_tasks
    WHERE status = 'pending' AND parked AND scheduled_for <= oppspot_now()
    ORDER BY scheduled_for LIMIT 500 FOR NO KEY UPDATE SKIP LOCKED
), placed AS MATERIALIZED (
    SELECT d.ctid, nextval('agent_tasks_ready_seq') AS place
    FROM (SELECT ctid FROM due ORDER BY scheduled_for, ready_seq) d
), moved AS (
    UPDATE agent_tasks t SET parked = false, ready_seq = p.place
    FROM placed p WHERE t.ctid = p.ctid AND t.ctid = ANY (ARRAY(SELECT ctid FROM due))
    RETURNING 1
)
SELECT (SELECT count(*) FROM moved) AS promoted,
       (SELECT extract(epoch FROM min(scheduled_for) - oppspot_now())::float8 FROM agent_tasks
        WHERE status = 'pending' AND parked AND scheduled_for > oppspot_now()) AS next_due_s,
       CASE WHEN (SELECT min(id) FROM schedule_calls) IS NOT NULL THEN 0
            ELSE (SELECT extract(epoch FROM min(look_at) - oppspot_now())::float8 FROM schedules
                  WHERE is_active AND paused_at IS NULL AND error IS NULL) END AS next_tick_s
