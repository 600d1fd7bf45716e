-- A database that came out of a backup begins a life of its own.
--
-- Its sequences stand where they stood at the backup, so they would give numbers that were given already: run tokens,
-- by which other systems know an attempt again and which fence what was lost; and ids of runners, under which somebody
-- may still live who has not noticed. The first runner that joins afterwards sees by the server's identifier and the
-- database's oid that it is elsewhere, and lets both go on from the clock: beyond all that were given, also by an
-- earlier restore of the same backup, and still growing.

SET LOCAL lock_timeout = '30s';

CREATE TABLE database_identity (
    is_only boolean PRIMARY KEY DEFAULT true CHECK (is_only),
    server bigint,
    database oid NOT NULL,
    since timestamptz NOT NULL DEFAULT oppspot_now()
);
COMMENT ON TABLE database_identity IS 'One row: which database this is. Another one after a restore, see notice_restore().';
COMMENT ON COLUMN database_identity.server IS 'The system identifier of the server; NULL where it is not told.';

-- Tasks that the backup shows as processing are left to the ordinary rescue: their runners have no lease any more.
CREATE FUNCTION after_restore() RETURNS void
LANGUAGE plpgsql SET search_path FROM CURRENT AS
$$
DECLARE
    now_s constant numeric := extract(epoch FROM oppspot_now());
BEGIN
    PERFORM setval('agent_tasks_run_token_seq',
                   greatest(nextval('agent_tasks_run_token_seq'), (now_s * 1000000)::bigint));
    PERFORM setval(s.name, greatest(nextval(s.name), now_s::bigint))
    FROM (SELECT pg_get_serial_sequence('task_runners', 'id')::regclass AS name) s;
    UPDATE task_runners SET lease_until = oppspot_now() - interval '5 seconds', waiting = false
    WHERE lease_until > oppspot_now();
END
$$;
COMMENT ON FUNCTION after_restore() IS
    'Ends the leases of the life before, and lets run tokens and ids of runners go on beyond all that were ever given.';

-- With the rights of the owner: a runner may use sequences, not set them.
CREATE FUNCTION notice_restore() RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS
$$
DECLARE
    here oid := (SELECT d.oid FROM pg_database d WHERE d.datname = current_database());
    on_server bigint;
BEGIN
    BEGIN
        SELECT c.system_identifier INTO on_server FROM pg_control_system() c;
    EXCEPTION WHEN insufficient_privilege THEN
        NULL; -- some hosts do not tell
    END;
    INSERT INTO database_identity (server, database) VALUES (on_server, here) ON CONFLICT DO NOTHING;
    UPDATE database_identity i SET server = on_server, database = here, since = oppspot_now()
    WHERE (i.server, i.database) IS DISTINCT FROM (on_server, here);
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    PERFORM after_restore();
    RETURN true;
END
$$;
COMMENT ON FUNCTION notice_restore() IS
    'Whether this database came out of a backup since the last call; then after_restore() was done.';

DO $$
BEGIN
    EXECUTE format('ALTER FUNCTION notice_restore() SET search_path = %I, pg_temp', current_schema());
END $$;

INSERT INTO access_rules (name, verbs, reads, changes) VALUES ('database_identity', '', 'false', NULL);
SELECT arrange_access();

INSERT INTO oppspot_migrations (number, name, breaking, applied_at)
VALUES (65, 'restores', false, oppspot_now());
