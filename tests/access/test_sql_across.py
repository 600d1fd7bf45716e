"""Direct SQL in the name of an organisation reads and changes nothing of others."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import psycopg
import pytest

from oppspot_runner.db.acting import BoundDatabase
from tests.access.conftest import Organisation
from tests.access.planting import ROWS, Jsonb, new_mark
from tests.access.worlds import World, difference

RELATIONS = (
    "SELECT relname, relkind::text AS kind FROM pg_class WHERE relkind IN ('r', 'v')"
    " AND relnamespace = current_schema()::regnamespace ORDER BY 1"
)
COLUMNS = (
    "SELECT table_name, column_name FROM information_schema.columns c JOIN pg_class r"
    " ON r.oid = c.table_name::regclass AND r.relkind = 'r'"
    " WHERE table_schema = current_schema() AND is_generated = 'NEVER' ORDER BY 1, 2"
)
FUNCTIONS = (
    "SELECT p.oid::regproc::text AS name, ARRAY(SELECT format_type(t, NULL)"
    " FROM unnest(p.proargtypes) t) AS types FROM pg_proc p"
    " WHERE p.pronamespace = current_schema()::regnamespace"
    " AND p.prorettype <> 'trigger'::regtype ORDER BY 1"
)
NAMED = {
    "agent_id": "agent", "root_agent_id": "agent", "parent_id": "agent", "stream_id": "stream",
    "run_id": "run", "task_id": "task", "parent_task_id": "task", "replay_of": "task",
    "execution_id": "execution", "company_id": "company", "person_id": "person",
    "assignment_id": "assignment", "signal_id": "signal", "rule_id": "rule", "item_id": "post",
    "budget_id": "budget", "schedule_id": "schedule", "token_id": "token", "scope_id": "agent",
}  # fmt: skip


async def attempted(db: BoundDatabase, query: str, told: Any = None) -> list[Any]:
    """What the statement gives; nothing when it is refused."""
    with suppress(psycopg.Error):
        async with db.transaction() as connection:
            cursor = await connection.execute(query, told)  # type: ignore[arg-type]
            return await cursor.fetchall() if cursor.description else []
    return []


def assert_clean(world: World, rows: Any, what: str) -> None:
    text = str(rows)
    assert not any(mark in text for mark in world.marks), what


async def test_nothing_of_others_is_read(world: World, ours: Organisation) -> None:
    world.connection.execute("ANALYZE")
    async with ours.acts(read_only=True) as db:
        relations = await db.fetch_all(RELATIONS)
        seen = set()
        for relation in relations:
            name = relation["relname"]
            rows = await attempted(db, f"SELECT t, t.* FROM {name} t")
            assert_clean(world, rows, name)
            seen |= {name} if world.ours.mark in str(rows) else set()
            plan = await attempted(db, f"EXPLAIN (ANALYZE, VERBOSE) SELECT * FROM {name}")
            assert_clean(world, plan, name)
        assert {"agent_tasks", "stream_items", "drafts", "dead_letter_tasks"} <= seen
        for catalog in ("pg_stats", "pg_stat_activity", "pg_prepared_statements"):
            assert_clean(world, await attempted(db, f"SELECT * FROM {catalog}"), catalog)
        assert not await attempted(db, "SELECT hash FROM api_tokens")


async def test_nothing_of_others_is_changed(world: World, ours: Organisation) -> None:
    before = world.of_others()
    async with ours.acts() as db:
        columns = await db.fetch_all(COLUMNS)
        for table, column in ((row["table_name"], row["column_name"]) for row in columns):
            changed = await attempted(db, f"UPDATE {table} t SET {column} = {column} RETURNING t")
            assert_clean(world, changed, f"{table}.{column}")
            for other in world.others:
                wanted = other.org if column == "org_id" else other.ids.get(NAMED.get(column, ""))
                if column == "org_id" or wanted:
                    query = f"UPDATE {table} SET {column} = %s"
                    await attempted(db, query, (wanted,))
    assert difference(before, world.of_others()) == {}
    async with ours.acts() as db:
        for table in world.tables:
            gone = await attempted(db, f"DELETE FROM {table} t RETURNING t")
            assert_clean(world, gone, table)
            await attempted(db, f"TRUNCATE {table} CASCADE")
            await attempted(db, f"LOCK {table} IN ACCESS EXCLUSIVE MODE NOWAIT")
    assert difference(before, world.of_others()) == {}


@pytest.mark.slow
async def test_no_new_row_is_another_ones_or_names_what_is(
    world: World, ours: Organisation
) -> None:
    before = world.of_others()
    mine = {
        "org": ours.id, "shared": "mine", "nobody": ours.id,
        "json": Jsonb({}), "list": Jsonb([]), **world.ours.ids,
    }  # fmt: skip
    async with ours.acts() as db:
        for _, rest in ROWS:
            for other in world.others:
                theirs: dict[str, Any] = {**other.ids, "org": other.org, "nobody": other.org}
                for name in (one for one in theirs if f"%({one})s" in rest):
                    if other.org is None and name in ("company", "other"):
                        continue  # these are for all to name
                    told = {**mine, "mark": new_mark(), name: theirs[name]}
                    await attempted(db, f"INSERT INTO {rest}", told)
        for table in world.tables:
            for other in world.others:
                for kind, identifier in other.ids.items():
                    rows = await attempted(
                        db,
                        f"INSERT INTO {table} (id) VALUES (%s) ON CONFLICT (id) DO UPDATE"
                        f" SET id = excluded.id RETURNING {table}",
                        (identifier,),
                    )
                    assert_clean(world, rows, f"{table} {kind}")
    assert difference(before, world.of_others()) == {}


@pytest.mark.slow
async def test_no_function_reads_or_changes_what_is_others(
    world: World, ours: Organisation
) -> None:
    before = world.of_others()
    values: dict[str, Any] = {
        "text": "mark", "integer": 5, "bigint": 1, "boolean": True, "jsonb": Jsonb({}),
        "double precision": 1.0, "numeric": 1, "jsonb[]": [Jsonb({})], "text[]": ["mark"],
        "timestamp with time zone": "2030-01-01Z", "bigint[]": [1, 1], "uuid": None,
    }  # fmt: skip
    async with ours.acts() as db:
        functions = await db.fetch_all(FUNCTIONS)
        for function in functions:
            for other in world.others:
                for kind, identifier in {**other.ids, "org": other.org}.items():
                    ids = {"uuid": identifier, "uuid[]": [identifier], "text": str(identifier)}
                    told = [{**values, **ids}.get(one) for one in function["types"]]
                    casts = ", ".join(f"%s::{one}" for one in function["types"])
                    rows = await attempted(db, f"SELECT * FROM {function['name']}({casts})", told)
                    assert_clean(world, rows, f"{function['name']} of {kind}")
                    if not {"uuid", "uuid[]", "text"} & set(function["types"]):
                        break
        assert not await db.fetch_all(
            "SELECT * FROM follow_runs(%s)", ([other.ids["run"] for other in world.others],)
        )
    assert difference(before, world.of_others()) == {}
