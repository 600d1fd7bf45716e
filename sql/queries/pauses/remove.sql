-- Idle runners are woken by the trigger on this table.
DELETE FROM task_pauses WHERE scope = %(scope)s AND key = %(key)s RETURNING paused_at
