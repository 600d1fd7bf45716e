-- No row comes back where the agent's configuration says its limits: there they are to be changed. The
-- bucket keeps what is in it.
INSERT INTO task_limits AS l (scope, key, concurrency, rate, burst, weight, source)
VALUES (%(scope)s, %(key)s, %(concurrency)s, %(rate)s, %(burst)s, %(weight)s, 'user')
ON CONFLICT (scope, key) DO UPDATE SET
    concurrency = excluded.concurrency, rate = excluded.rate, burst = excluded.burst, weight = excluded.weight, source = 'user'
WHERE l.source <> 'configuration'
RETURNING scope
