-- An approval of nothing admits nothing, since it locked nothing. For those who have 0016 already.

SET LOCAL lock_timeout = '30s';

CREATE OR REPLACE FUNCTION approve_run(id uuid, agent uuid DEFAULT NULL) RETURNS integer
LANGUAGE plpgsql SET search_path FROM CURRENT AS
$$
DECLARE
    agents uuid[];
    approved integer;
BEGIN
    PERFORM FROM stream_runs r WHERE r.id = approve_run.id;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'there is no run %', coalesce(approve_run.id::text, 'NULL')
            USING ERRCODE = 'no_data_found', HINT = 'See `oppspot-runner runs list`.';
    END IF;
    agents := ARRAY(SELECT n.agent_id FROM stream_run_nodes n
        WHERE n.run_id = approve_run.id AND n.status = 'awaiting_approval' AND (agent IS NULL OR n.agent_id = agent));
    IF cardinality(agents) = 0 THEN
        RETURN 0;  -- with nothing locked, nothing may be admitted either
    END IF;
    PERFORM lock_run_nodes(array_fill(id, ARRAY[cardinality(agents)]), agents, array_fill('completed'::text, ARRAY[cardinality(agents)]));
    UPDATE stream_run_nodes n SET status = 'ready', approve_by = NULL
    WHERE n.run_id = approve_run.id AND n.agent_id = ANY (agents) AND n.status = 'awaiting_approval';
    GET DIAGNOSTICS approved = ROW_COUNT;
    PERFORM admit_run_nodes(ARRAY[id]);
    RETURN approved;
END
$$;

INSERT INTO oppspot_migrations (number, name, breaking, applied_at)
VALUES (25, 'empty_approvals', false, oppspot_now());
