-- Writes messages that have taken in events. When one is due is known from its first event on.
INSERT INTO notifications AS n (rule_id, count, examples, shares, first_at, last_at, due_at)
SELECT r.id, g.count, g.examples, g.shares, g.first_at, g.last_at,
       greatest(g.first_at + make_interval(secs => r.wait_s), r.last_due_at + make_interval(secs => r.repeat_s))
FROM jsonb_to_recordset(%(bundles)s::jsonb) AS g
     (rule_id uuid, count integer, examples jsonb, shares jsonb, first_at timestamptz, last_at timestamptz)
JOIN notification_rules r ON r.id = g.rule_id
ORDER BY r.id
ON CONFLICT (rule_id) WHERE task_id IS NULL DO UPDATE SET
    count = excluded.count, examples = excluded.examples, shares = excluded.shares, last_at = excluded.last_at
