-- Who keeps vacuum from removing dead rows, the oldest first: transactions of this database that see an
-- old state or have written (also those that hold nothing but locks, when they do nothing), prepared ones,
-- standbys that say what their queries still see, directly or through a slot.
SELECT 'session' AS kind, s.pid::text AS name, s.state, s.backend_xmin IS NOT NULL OR s.backend_xid IS NOT NULL AS holds,
       extract(epoch FROM oppspot_now() - s.xact_start)::float8 AS age_s,
       greatest(age(s.backend_xmin), age(s.backend_xid)) AS transactions,
       concat_ws(', ', nullif(s.application_name, ''), s.usename, s.client_addr) AS whose,
       format('SELECT pg_terminate_backend(%%s);', s.pid) AS fix
FROM pg_stat_activity s
WHERE s.datname = current_database() AND s.pid <> pg_backend_pid() AND s.backend_type = 'client backend'
  AND (s.backend_xmin IS NOT NULL OR s.backend_xid IS NOT NULL OR s.state LIKE 'idle in transaction%%')
UNION ALL
SELECT 'prepared transaction', p.gid, 'prepared', true, extract(epoch FROM oppspot_now() - p.prepared)::float8,
       age(p.transaction), p.owner, format('ROLLBACK PREPARED %%L;', p.gid)
FROM pg_prepared_xacts p WHERE p.database = current_database()
UNION ALL
SELECT 'replication slot', r.slot_name, CASE WHEN r.active THEN 'active' ELSE 'inactive' END, true, NULL, age(r.xmin), r.slot_type,
       CASE WHEN r.active THEN 'ALTER SYSTEM SET hot_standby_feedback = off;  -- on the standby, or end its long query'
            ELSE format('SELECT pg_drop_replication_slot(%%L);', r.slot_name) END
FROM pg_replication_slots r WHERE r.xmin IS NOT NULL
UNION ALL
SELECT 'standby', coalesce(nullif(w.application_name, ''), w.pid::text), w.state, true, NULL, age(w.backend_xmin),
       w.client_addr::text, 'ALTER SYSTEM SET hot_standby_feedback = off;  -- on the standby, or end its long query'
FROM pg_stat_replication w WHERE w.backend_xmin IS NOT NULL
ORDER BY age_s DESC NULLS LAST, transactions DESC
