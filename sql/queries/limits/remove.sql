-- Those of an agent's configuration and of code go with what they come from.
DELETE FROM task_limits WHERE scope = %(scope)s AND key = %(key)s AND source = 'user' RETURNING key
