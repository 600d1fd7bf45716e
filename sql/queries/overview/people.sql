-- What waits for people to decide, and schedules whose time has come and that nobody called.
SELECT (SELECT count(*) FROM drafts d WHERE d.status = 'draft') AS drafts,
       (SELECT count(*) FROM stream_run_nodes n WHERE n.status = 'awaiting_approval') AS approvals,
       (SELECT count(*) FROM schedules s
        WHERE s.is_active AND s.paused_at IS NULL AND s.error IS NULL
          AND s.due_at < oppspot_now() - make_interval(secs => %(late_s)s)) AS late_schedules,
       (SELECT min(s.due_at) FROM schedules s WHERE s.is_active AND s.paused_at IS NULL AND s.error IS NULL) AS next_due_at,
       (SELECT count(*) FROM schedules s WHERE s.error IS NOT NULL) AS failed_schedules
