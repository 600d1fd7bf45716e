-- A runner that ends takes its row with it. When tasks still name it, rescue needs the row; its lease
-- ends at once then, so that nobody has to wait for it to run out. It ends some seconds ago, because a heartbeat
-- that began a moment before this statement, and sees what this one wrote, would find it good by its own clock.
-- One that starts over goes on with what people asked of it last, which it may not have heard.
WITH gone AS (
    DELETE FROM task_runners r WHERE r.id = %(runner_id)s
      AND NOT EXISTS (SELECT FROM agent_tasks t WHERE t.runner_id = r.id AND t.status = 'processing')
    RETURNING r.desired
), over AS (
    UPDATE task_runners r SET lease_until = least(r.lease_until, oppspot_now() - interval '5 seconds'), waiting = false
    WHERE r.id = %(runner_id)s AND NOT EXISTS (SELECT FROM gone)
    RETURNING r.desired
)
SELECT desired FROM gone UNION ALL SELECT desired FROM over
