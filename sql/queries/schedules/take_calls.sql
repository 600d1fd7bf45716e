-- Calls become a tick that is owed: one, however many there were. Those of a schedule that somebody holds
-- stay for the next look, those of one that is gone go. The due time is later than the one before, so that no
-- two ticks have the same. Ids go in arrays and are looked up one by one: few are called, and for them no plan
-- reads all schedules.
WITH called AS MATERIALIZED (
    SELECT g.id, (SELECT true FROM schedules s WHERE s.id = g.id) AS is_there
    FROM (SELECT DISTINCT schedule_id AS id FROM schedule_calls LIMIT 500) g
), held AS MATERIALIZED (
    SELECT s.id FROM schedules s WHERE s.id = ANY (ARRAY(SELECT id FROM called))
    ORDER BY s.id FOR NO KEY UPDATE SKIP LOCKED
), taken AS (
    DELETE FROM schedule_calls WHERE schedule_id = ANY (ARRAY(
        SELECT id FROM held UNION ALL SELECT id FROM called WHERE is_there IS NULL))
)
UPDATE schedules s SET look_at = oppspot_now(), due_at = coalesce(
    s.due_at, greatest(oppspot_now(), s.last_due_at + interval '1 microsecond'))
WHERE s.id = ANY (ARRAY(SELECT id FROM held)) AND s.expression = 'realtime'
