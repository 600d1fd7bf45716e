-- History past its time; the table is append-only, so the BRIN index finds its old end.
DELETE FROM agent_executions WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM agent_executions
    WHERE created_at < oppspot_now() - make_interval(secs => %(keep_s)s) AND status NOT IN ('queued', 'running')
    LIMIT 5000 FOR UPDATE SKIP LOCKED))
