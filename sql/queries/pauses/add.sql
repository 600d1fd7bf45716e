-- Asked again, only the reason may change.
INSERT INTO task_pauses (scope, key, reason) VALUES (%(scope)s, %(key)s, %(reason)s)
ON CONFLICT (scope, key) DO UPDATE SET reason = coalesce(excluded.reason, task_pauses.reason)
