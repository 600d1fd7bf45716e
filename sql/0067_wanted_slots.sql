-- How many slots the work of now wants: what autoscalers ask, by what a runner must serve and have.
--
-- A slot for each task that is on, and as many as it takes to begin everything that is ready within a minute: the ready
-- tasks times the seconds that one takes, divided by 60. Not more than the limits of an agent allow. No more than 500
-- are counted of an agent: with more of them the number rises again as soon as there are more runners.

SET LOCAL lock_timeout = '30s';

CREATE VIEW wanted_slots AS
WITH pace AS MATERIALIZED (
    -- What attempts took lately; their ids begin with the time of their start.
    SELECT e.agent_id, avg(e.duration_ms) / 1000 AS task_s
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
COMMENT ON VIEW wanted_slots IS
    'Slots that would begin all ready work within a minute, by task_type and labels; of each agent at most 200 ready tasks count.';

INSERT INTO access_rules (name, verbs) VALUES ('wanted_slots', 'SELECT');
SELECT arrange_access();

INSERT INTO oppspot_migrations (number, name, breaking, applied_at)
VALUES (67, 'wanted_slots', false, oppspot_now());
