-- Our tables of which row-level security may hide rows from this role: it is in force, and no policy lets
-- everything through. A policy of our own does, unless a restrictive one takes away again. Tokens and rules are
-- hidden from whoever serves no HTTP, and are meant to be.
SELECT c.relname AS name, current_user AS role, p.names AS policies,
       CASE WHEN p.restricts THEN format('ALTER ROLE %%I BYPASSRLS;', current_user)
            ELSE format('CREATE POLICY oppspot_runner ON %%I.%%I TO %%I USING (true) WITH CHECK (true);',
                        n.nspname, c.relname, current_user) END AS fix
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
CROSS JOIN LATERAL (
    SELECT coalesce(string_agg(q.policyname, ', ' ORDER BY q.policyname), 'none') AS names,
           coalesce(bool_or(q.permissive = 'RESTRICTIVE'), false) AS restricts,
           coalesce(bool_or(q.permissive = 'PERMISSIVE' AND q.cmd = 'ALL' AND q.qual = 'true'
                            AND coalesce(q.with_check, 'true') = 'true'), false) AS opens
    FROM pg_policies q
    WHERE q.schemaname = n.nspname AND q.tablename = c.relname
      AND EXISTS (SELECT FROM unnest(q.roles) r WHERE r = 'public' OR pg_has_role(r, 'USAGE'))) p
WHERE n.nspname = current_schema() AND c.relkind = 'r' AND c.relname = ANY (%(names)s::text[]) AND c.relname NOT IN ('api_tokens', 'access_rules')
  AND row_security_active(c.oid) AND (p.restricts OR NOT p.opens)
ORDER BY c.relname
