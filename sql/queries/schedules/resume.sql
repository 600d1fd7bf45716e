-- A trigger lets it begin anew from now; one that neither rests nor failed is left alone.
UPDATE schedules SET paused_at = NULL, error = NULL WHERE id = %(id)s AND (paused_at IS NOT NULL OR error IS NOT NULL)
