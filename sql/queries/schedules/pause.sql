-- The first pause keeps its time.
UPDATE schedules SET paused_at = coalesce(paused_at, oppspot_now()) WHERE id = %(id)s
