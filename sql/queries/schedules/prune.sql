-- Old ticks, a bounded number by their index. The newest tick of a schedule stays, however old.
DELETE FROM schedule_ticks WHERE ctid = ANY (ARRAY(
    SELECT k.ctid FROM schedule_ticks k JOIN schedules s ON s.id = k.schedule_id
    WHERE k.fired_at < oppspot_now() - make_interval(secs => %(keep_s)s) AND k.due_at < s.last_due_at
    ORDER BY k.fired_at LIMIT 1000))
