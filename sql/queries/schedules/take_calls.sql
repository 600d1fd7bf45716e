-- Calls become a tick that is owed: one, however many there were. Those of a schedule that somebody holds
-- stay for the next look. The due time is later than the one before, so that no two ticks have the same.
-- Ids go in arrays: few are called, and for them no plan reads all schedules.
WITH held AS MATERIALIZED (
    SELECT s.id FROM schedules s
    WHERE s.id = ANY (ARRAY(SELECT DISTINCT c.schedule_id FROM schedule_calls c LIMIT 500))
    ORDER BY s.id FOR NO KEY UPDATE SKIP LOCKED
), taken AS (
    DELETE FROM schedule_calls WHERE schedule_id = ANY (ARRAY(SELECT id FROM held))
)
UPDATE schedules s SET look_at = oppspot_now(), due_at = coalesce(
    s.due_at, greatest(oppspot_now(), s.last_due_at + interval '1 microsecond'))
WHERE s.id = ANY (ARRAY(SELECT id FROM held)) AND s.expression = 'realtime'
