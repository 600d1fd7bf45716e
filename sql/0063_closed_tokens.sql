-- Tokens are for whoever serves HTTP. Some hosts grant each new table to roles for everybody: who was granted this one
-- could else make himself an operator's token.

SET LOCAL lock_timeout = '30s';

-- Owners and superusers are bound by no policy and are not asked.
CREATE FUNCTION oppspot_serves() RETURNS boolean
LANGUAGE sql STABLE SET search_path FROM CURRENT AS
$$
    SELECT current_user = 'oppspot_api' OR EXISTS (
        SELECT FROM pg_roles r WHERE r.rolname = 'oppspot_server' AND pg_has_role(current_user, r.oid, 'MEMBER'))
$$;
COMMENT ON FUNCTION oppspot_serves() IS 'Whether the current role may serve HTTP: it is a member of oppspot_server, or acts for one.';

DO $$
DECLARE
    closed text;
BEGIN
    FOREACH closed IN ARRAY '{api_tokens,access_rules}'::text[] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', closed);
        EXECUTE format('DROP POLICY IF EXISTS oppspot_everybody ON %I', closed);
        EXECUTE format('CREATE POLICY oppspot_everybody ON %I USING ((SELECT oppspot_serves())) WITH CHECK ((SELECT oppspot_serves()))', closed);
    END LOOP;
END $$;

INSERT INTO oppspot_migrations (number, name, breaking, applied_at)
VALUES (63, 'closed_tokens', false, oppspot_now());
