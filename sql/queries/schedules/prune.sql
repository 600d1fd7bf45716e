-- Old ticks, a bounded number by their index. The newest tick of a schedule stays, however old. With them go
-- signals that a schedule which is gone, or is not in realtime any more, was never told.
WITH untold AS (
    DELETE FROM schedule_signals WHERE ctid = ANY (ARRAY(
        SELECT h.ctid FROM schedule_signals h
        WHERE h.called_at < oppspot_now() - make_interval(secs => %(keep_s)s) LIMIT 1000))
)
DELETE FROM schedule_ticks WHERE ctid = ANY (ARRAY(
    SELECT k.ctid FROM schedule_ticks k JOIN schedules s ON s.id = k.schedule_id
    WHERE k.fired_at < oppspot_now() - make_interval(secs => %(keep_s)s) AND k.due_at < s.last_due_at
    ORDER BY k.fired_at LIMIT 1000))
