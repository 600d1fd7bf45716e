-- Work whose attempts took no time, in whole milliseconds, wanted no slot: where no runner was there, an autoscaler
-- started none for it. Now such an attempt takes a tenth of a millisecond.

SET LOCAL lock_timeout = '30s';

CREATE OR REPLACE VIEW wanted_slots AS
WITH pace AS MATERIALIZED (
    -- What attempts took lately; their ids begin with the time of their start.
    SELECT e.agent_id, greatest(avg(e.duration_ms), 0.1) / 1000 AS task_s
    FROM (SELECT agent_id, duration_ms FROM agent_executions ORDER BY id DESC LIMIT 1000) e
    WHERE e.duration_ms IS NOT NULL GROUP BY e.agent_id
), lanes AS MATERIALIZED (
    SELECT l.task_type, l.agent_id, l.org_id, c.ready, 0 AS running FROM open_lanes l CROSS JOIN LATERAL (
        SELECT count(*) AS ready FROM (
            SELECT FROM agent_tasks q
            WHERE q.status = 'pending' AND NOT q.parked AND NOT q.blocked AND task_lane(q.task_type, q.agent_id, q.org_id) = l.lane
            ORDER BY q.priority, q.ready_seq LIMIT 200) q) c
    UNION ALL
    SELECT t.task_type, t.agent_id, coalesce(t.org_id, a.org_id), 0, count(*)
    FROM agent_tasks t LEFT JOIN ai_agents a ON a.id = t.agent_id
    WHERE t.status = 'processing' GROUP BY 1, 2, 3
), work AS (
    SELECT w.task_type, agent_labels(w.agent_id) AS labels, w.ready, w.running,
           least(w.running + w.ready * coalesce(p.task_s, (SELECT avg(task_s) FROM pace), 10) / 60, (
               SELECT min(m.concurrency) FROM ai_agents a
               CROSS JOIN LATERAL limit_names(a.id, a.agent_type, w.task_type, w.org_id) n
               JOIN task_limits m ON m.scope = n.scope AND m.key = n.key WHERE a.id = w.agent_id)) AS slots
    FROM (SELECT task_type, agent_id, org_id, sum(ready) AS ready, sum(running) AS running FROM lanes
          WHERE task_type <> 'notification' AND task_type NOT LIKE 'health_check%'
          GROUP BY task_type, agent_id, org_id) w
    LEFT JOIN pace p ON p.agent_id = w.agent_id
)
SELECT task_type, labels, sum(ready)::bigint AS ready, sum(running)::bigint AS running, ceil(sum(slots))::bigint AS slots
FROM work GROUP BY task_type, labels;

SELECT arrange_access();

INSERT INTO oppspot_migrations (number, name, breaking, applied_at)
VALUES (71, 'wanted_in_no_time', false, oppspot_now());
