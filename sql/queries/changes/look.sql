-- How things stand for whoever asks: for each kind of thing a text that is another one when something changed. Looks at
-- the newest row, at the few rows that are under way, and at small tables whole; xmin is another one after each change.
SELECT
    concat_ws(' ', (SELECT t.id FROM agent_tasks t ORDER BY t.id DESC LIMIT 1),
        (SELECT x.id FROM agent_executions x ORDER BY x.id DESC LIMIT 1),
        (SELECT sum(t.xmin::text::bigint) FROM agent_tasks t WHERE t.status = 'processing'),
        (SELECT sum(l.n) FROM task_tallies l), a.id) AS tasks,
    concat_ws(' ', (SELECT r.id FROM stream_runs r ORDER BY r.id DESC LIMIT 1),
        (SELECT sum(r.xmin::text::bigint) FROM stream_runs r WHERE r.status = 'running')) AS runs,
    (SELECT concat_ws(' ', count(*), sum(s.xmin::text::bigint)) FROM streams s)
        || (SELECT concat_ws(' ', count(*), sum(p.xmin::text::bigint)) FROM stream_agent_assignments p) AS streams,
    (SELECT concat_ws(' ', count(*), sum(g.xmin::text::bigint)) FROM ai_agents g) AS agents,
    (SELECT concat_ws(' ', count(*), sum(s.xmin::text::bigint)) FROM schedules s) AS schedules,
    (SELECT concat_ws(' ', count(*), sum(d.xmin::text::bigint)) FROM drafts d WHERE d.status = 'draft') AS drafts,
    concat_ws(' ', (SELECT b.id FROM buying_signals b ORDER BY b.id DESC LIMIT 1), a.id) AS signals,
    concat_ws(' ', (SELECT sum(n.xmin::text::bigint) FROM notifications n WHERE n.task_id IS NULL),
        (SELECT n.id FROM notifications n ORDER BY n.id DESC LIMIT 1), a.id) AS notifications,
    concat_ws(' ', (SELECT string_agg(concat_ws(' ', m.id, m.state, m.desired, m.wake, m.lease_until > oppspot_now()), ',' ORDER BY m.id)
        FROM task_runners m), (SELECT sum(p.xmin::text::bigint) FROM task_pauses p)) AS runners,
    coalesce(a.id, 0)::text AS audit
FROM (SELECT 1) one LEFT JOIN LATERAL (SELECT g.id FROM audit_log g ORDER BY g.id DESC LIMIT 1) a ON true
