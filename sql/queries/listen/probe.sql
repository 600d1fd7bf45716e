-- From another session: a pooler in transaction mode would answer a question asked by the listener
-- itself, and still swallow what others send.
SELECT pg_notify(%(channel)s, %(payload)s)
