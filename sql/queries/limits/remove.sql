-- Takes away what people set, and says whose the limit was: those of an agent's configuration and of
-- code go with what they come from.
WITH gone AS (
    DELETE FROM task_limits WHERE scope = %(scope)s AND key = %(key)s AND source = 'user'
)
SELECT source FROM task_limits WHERE scope = %(scope)s AND key = %(key)s
