"""A database that holds the printed tables, with rows in them, becomes ours and stays theirs."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from oppspot_runner.agents.registry import Registry
from oppspot_runner.db.migrate import migrate
from oppspot_runner.db.pool import Database
from tests.db.conftest import LONG_AGO, ODD, Old, Place, make_old
from tests.db.old_tables import TABLES, insert, old_task, prints, tasks
from tests.runner.conftest import Bench


@pytest.mark.slow
def test_ended_rows_stay_the_very_same_row_versions(old: Old) -> None:
    for status in ("completed", "failed", "cancelled"):
        for columns in ODD.values():
            old.task(status=status, org_id=old.org, **columns)
    attempt = insert(old.session, "agent_executions", agent_id=old.agent, status="success")
    before, attempts = prints(old.session), prints(old.session, "agent_executions", "status, id")
    assert len(before) == 3 * len(ODD)
    old.adopt()
    assert prints(old.session) == before
    assert prints(old.session, "agent_executions", "status, id") == attempts
    assert set(attempts) == {attempt}


@pytest.mark.slow
def test_no_table_is_rewritten(old: Old) -> None:
    files = (
        "SELECT relname, relfilenode FROM pg_class"
        " WHERE relnamespace = current_schema()::regnamespace AND relkind = 'r' ORDER BY 1"
    )
    for status in ("pending", "processing", "completed"):
        old.task(status=status)
    insert(old.session, "agent_executions", agent_id=old.agent)
    before = dict(old.session.execute(files).fetchall())
    assert len(before) == 6
    old.adopt()
    after = dict(old.session.execute(files).fetchall())
    assert {name: after[name] for name in before} == before


@pytest.mark.slow
def test_old_columns_and_constraints_are_all_still_there(old: Old) -> None:
    columns = (
        "SELECT attrelid::regclass::text, attnum, attname::text, atttypid, attnotnull"
        " FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid"
        " WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind = 'r' AND attnum > 0"
    )
    constraints = (
        "SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint"
        " WHERE connamespace = current_schema()::regnamespace"
    )
    before = {query: set(old.session.execute(query)) for query in (columns, constraints)}
    old.adopt()
    for query, there in before.items():
        assert there - set(old.session.execute(query)) == set()


@pytest.mark.slow
@pytest.mark.parametrize("status", [None, "pending"])
def test_waiting_rows_get_what_a_waiting_row_needs(plain: Old, status: str | None) -> None:
    ids = {name: plain.task(status=status, **columns) for name, columns in ODD.items()}
    after = plain.adopt()
    rows = {name: after[one] for name, one in ids.items()}
    bare = rows["nothing"]
    assert (bare.status, bare.priority, bare.payload) == ("pending", 5, {})
    assert (bare.retry_count, bare.max_retries, bare.crash_count) == (0, 3, 0)
    assert not bare.parked
    assert bare.scheduled_for == bare.created_at
    assert rows["priority 0"].priority == 1
    assert rows["priority 11"].priority == 10
    assert (rows["never"].parked, rows["never"].scheduled_for[:4]) == (True, "9999")
    assert (rows["always"].parked, rows["always"].scheduled_for[:4]) == (False, "1970")
    assert rows["less than nothing"].retry_count == rows["less than nothing"].max_retries == 0
    assert rows["huge"].retry_count == rows["huge"].max_retries == 10**9
    assert rows["no type"].task_type == "agent_execution"
    assert (rows["an error"].priority, len(rows["an error"].error_message)) == (7, 9000)
    assert rows["an error"].created_at.startswith("2024-01-01")


@pytest.mark.slow
@pytest.mark.parametrize("status", ["pending", "processing"])
def test_a_waiting_row_that_cannot_run_fails_with_its_reason(plain: Old, status: str) -> None:
    later = datetime.now(UTC) + timedelta(days=1)
    array = plain.task(status=status, payload=[], scheduled_for=later)
    text = plain.task(status=status, payload="x", error_message="before")
    long = plain.task(status=status, payload={"x": [uuid4().hex for _ in range(60_000)]})
    after = plain.adopt()
    assert [(after[one].status, after[one].error_message) for one in (array, text, long)] == [
        ("failed", "the payload is array, not an object"),
        ("failed", "the payload is string, not an object"),
        ("failed", "the payload is larger than 1 MiB"),
    ]
    assert (after[array].payload, after[array].parked) == ([], False)
    assert after[array].finished_at is not None


@pytest.mark.slow
def test_future_rows_wait_for_their_time(plain: Old) -> None:
    later = datetime.now(UTC) + timedelta(days=1)
    future = plain.task(status="pending", scheduled_for=later)
    lost = plain.task(status="processing", scheduled_for=later)
    after = plain.adopt()
    assert after[future].parked
    assert datetime.fromisoformat(after[future].scheduled_for) == later
    assert not after[lost].parked


@pytest.mark.slow
def test_a_processing_row_counts_as_lost_once(plain: Old) -> None:
    task = plain.task(status="processing", retry_count=1)
    row = plain.adopt()[task]
    assert (row.status, row.crash_count, row.retry_count) == ("pending", 1, 1)
    assert (row.run_token, row.runner_id) == (None, None)


@pytest.mark.slow
def test_rows_of_equal_priority_keep_the_order_of_their_ages(plain: Old) -> None:
    ages = [3, 1, None, 5, 2, 4]
    waiting = [
        plain.task(status="pending", created_at=days and LONG_AGO + timedelta(days=days))
        for days in ages
    ]
    later = plain.task  # a row that comes after the migration stands behind all of them
    after = plain.adopt()
    order = sorted(waiting, key=lambda one: after[one].ready_seq)
    assert [ages[waiting.index(one)] for one in order] == [None, 1, 2, 3, 4, 5]
    newest = later()
    assert tasks(plain.session)[newest].ready_seq > after[order[-1]].ready_seq


@pytest.mark.slow
def test_constraints_that_wait_for_the_commit_are_no_obstacle(plain: Old) -> None:
    plain.task(status="pending")
    plain.session.execute(
        "CREATE FUNCTION theirs() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';"
        "CREATE CONSTRAINT TRIGGER late AFTER UPDATE ON agent_tasks DEFERRABLE INITIALLY DEFERRED"
        " FOR EACH ROW EXECUTE FUNCTION theirs()"
    )
    (row,) = plain.adopt().values()
    assert row.status == "pending"


@pytest.mark.slow
def test_narrow_and_wide_number_types_and_varchar_are_fine(place: Place) -> None:
    tables = TABLES.replace("priority INTEGER", "priority SMALLINT")
    tables = tables.replace("retry_count INTEGER", "retry_count BIGINT")
    tables = tables.replace("status TEXT", "status VARCHAR(20)")
    tables = tables.replace("task_type TEXT", "task_type VARCHAR(50)")
    old = make_old(place, tables=tables)
    task = old.task(status="processing")
    assert old.adopt()[task].status == "pending"


async def noop(ctx: Any) -> dict[str, Any]:
    return {}


@asynccontextmanager
async def adopted(place: Place, registry: Registry) -> AsyncIterator[Bench]:
    """A bench on the migrated schema, whose agents all do nothing."""
    registry.register(noop)
    async with Database(place.dsn, schema=place.schema, max_size=10) as database:
        await migrate(database)
        await database.execute("UPDATE ai_agents SET agent_type = 'noop'")
        yield Bench(database, registry)


@pytest.mark.slow
async def test_a_runner_takes_what_waited_to_its_end(old: Old, registry: Registry) -> None:
    waiting = [
        old.task(status=status, org_id=old.org, **columns)
        for status in (None, "pending", "processing")
        for name, columns in ODD.items()
        if name not in ("never", "a list", "a text")
    ]
    held = old.task(status="pending", scheduled_for="infinity")
    async with adopted(old.place, registry) as bench:
        async with bench.running():
            ended = await bench.ended(*waiting)
        assert {row["status"] for row in ended} == {"completed"}
        assert (await bench.row(held))["status"] == "pending"


@pytest.mark.slow
async def test_without_foreign_keys_ids_of_nothing_harm_nobody(
    place: Place, registry: Registry
) -> None:
    old = make_old(place, foreign_keys=False)
    nobody = old_task(old.session, uuid4(), status="pending", priority=10)
    nowhere = old.task(status="pending", org_id=uuid4())
    async with adopted(place, registry) as bench:
        async with bench.running():
            first, second = await bench.ended(nobody, nowhere)
        assert (first["status"], second["status"]) == ("failed", "completed")
        (attempt,) = await bench.attempts(nowhere)
        assert attempt["org_id"] == second["org_id"]
