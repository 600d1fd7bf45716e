-- Where runners share fairly: organisations that get the next free slot before that of a task. They have ready
-- tasks of its priority, and one more would run fewer of theirs for their weight, or as many and theirs is older.
WITH me AS MATERIALIZED (
    SELECT t.priority, coalesce(t.org_id, a.org_id) AS org_id
    FROM agent_tasks t LEFT JOIN ai_agents a ON a.id = t.agent_id WHERE t.id = %(task_id)s
), running AS MATERIALIZED (
    SELECT coalesce(t.org_id, a.org_id) AS org_id, count(*) AS n
    FROM agent_tasks t LEFT JOIN ai_agents a ON a.id = t.agent_id WHERE t.status = 'processing' GROUP BY 1
), waiting AS MATERIALIZED (
    SELECT w.org_id, min(h.ready_seq) AS first
    FROM me CROSS JOIN open_lanes w CROSS JOIN LATERAL (
        SELECT q.ready_seq FROM agent_tasks q
        WHERE q.status = 'pending' AND NOT q.parked AND NOT q.blocked
          AND task_lane(q.task_type, q.agent_id, q.org_id) = w.lane AND q.priority = me.priority
        ORDER BY q.ready_seq LIMIT 1) h
    GROUP BY w.org_id
), shares AS MATERIALIZED (
    SELECT w.org_id, w.first, coalesce(r.n, 0) AS running, (coalesce(r.n, 0) + 1) / coalesce(l.weight, 1) AS share
    FROM waiting w
    LEFT JOIN running r ON r.org_id IS NOT DISTINCT FROM w.org_id
    LEFT JOIN task_limits l ON l.scope = 'org' AND l.key = w.org_id::text
)
SELECT coalesce(g.name, o.org_id::text, 'none') AS name, o.running::integer AS running, s.running::integer AS own
FROM me JOIN shares s ON s.org_id IS NOT DISTINCT FROM me.org_id
JOIN shares o ON (o.share, o.first) < (s.share, s.first)
LEFT JOIN organizations g ON g.id = o.org_id
ORDER BY o.share, o.first
LIMIT 3
