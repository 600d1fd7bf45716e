"""Every table and view of ours has a rule, and policies that say the same."""

from __future__ import annotations

from oppspot_runner.db.pool import Database


async def test_no_table_and_no_view_is_without_a_rule(db: Database) -> None:
    rows = await db.fetch_all(
        "SELECT c.relname FROM pg_class c WHERE c.relnamespace = current_schema()::regnamespace"
        " AND c.relkind IN ('r', 'v') AND NOT EXISTS (SELECT FROM access_rules r"
        " WHERE r.name = c.relname AND (r.reads IS NULL) = (c.relkind = 'v'))"
    )
    assert rows == [], "a row in access_rules, then SELECT arrange_access()"


async def test_rules_are_in_force(db: Database) -> None:
    rows = await db.fetch_all(
        "SELECT c.relname FROM access_rules r JOIN pg_class c"
        " ON c.relname = r.name AND c.relnamespace = current_schema()::regnamespace"
        " WHERE CASE c.relkind WHEN 'v' THEN c.reloptions::text !~ 'security_invoker=true'"
        " ELSE NOT c.relrowsecurity OR 4 <> (SELECT count(*) FROM pg_policies p"
        "   WHERE p.tablename = r.name AND p.schemaname = current_schema()"
        "     AND p.roles = '{oppspot_api}' AND p.permissive = 'RESTRICTIVE') END"
        " OR has_any_column_privilege('oppspot_api', c.oid, 'SELECT') <> (r.verbs <> '')"
    )
    assert rows == [], "SELECT arrange_access() was forgotten"


async def test_functions_with_the_rights_of_their_owner_are_known(db: Database) -> None:
    """Each of them sees all rows: whoever calls it must not see them by that."""
    rows = await db.fetch_all(
        "SELECT p.proname FROM pg_proc p WHERE p.pronamespace = current_schema()::regnamespace"
        " AND p.prosecdef AND p.prorettype <> 'trigger'::regtype"
        " AND has_function_privilege('oppspot_api', p.oid, 'EXECUTE') ORDER BY 1"
    )
    assert [row["proname"] for row in rows] == [
        "follow_runs",
        "hold_model_calls",
        "notice_restore",
        "oppspot_api_lent_agents",
        "oppspot_api_may_name",
        "oppspot_api_org",
        "oppspot_api_token",
        "task_runners_wait",
        "wake_task_runners",
    ]
