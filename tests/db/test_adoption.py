"""A database that holds the printed tables, with rows in them, becomes ours and stays theirs."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID, uuid4

import psycopg
import pytest

from oppspot_runner.agents.registry import Registry
from oppspot_runner.db.migrate import migrate
from oppspot_runner.db.pool import Database
from tests.db.conftest import Place
from tests.db.old_tables import (
    FAILED_TASKS,
    LATEST_ATTEMPTS,
    PENDING_TASKS,
    TABLES,
    Session,
    create_old_tables,
    insert,
    old_task,
    prints,
    tasks,
)
from tests.runner.conftest import Bench

LONG_AGO = datetime(2024, 1, 1, tzinfo=UTC)
ODD = {
    "nothing": {},
    "priority 0": {"priority": 0},
    "priority 11": {"priority": 11},
    "a list": {"payload": []},
    "a text": {"payload": "x"},
    "never": {"scheduled_for": "infinity"},
    "always": {"scheduled_for": "-infinity", "created_at": "-infinity"},
    "less than nothing": {"retry_count": -1, "max_retries": -1},
    "huge": {"retry_count": 2**31 - 1, "max_retries": 2**31 - 1},
    "no type": {"task_type": ""},
    "an error": {"error_message": "x" * 9000, "created_at": LONG_AGO, "priority": 7},
}


class Old(NamedTuple):
    """An old schema with one organisation and one agent."""

    place: Place
    session: Session
    org: UUID
    agent: UUID

    def task(self, **columns: Any) -> UUID:
        return old_task(self.session, self.agent, **columns)

    def adopt(self) -> dict[UUID, Any]:
        """Migrates; the tasks afterwards."""
        assert "0002_queue" in self.place.migrate()
        return tasks(self.session)


def make_old(place: Place, **options: Any) -> Old:
    create_old_tables(place.session, **options)
    organization = insert(place.session, "organizations")
    return Old(place, place.session, organization, insert(place.session, "ai_agents"))


@pytest.fixture(params=[True, False], ids=["foreign-keys", "no-foreign-keys"])
def old(place: Place, request: pytest.FixtureRequest) -> Old:
    return make_old(place, foreign_keys=request.param, names=request.param)


@pytest.fixture
def plain(place: Place) -> Old:
    return make_old(place)


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


def test_future_rows_wait_for_their_time(plain: Old) -> None:
    later = datetime.now(UTC) + timedelta(days=1)
    future = plain.task(status="pending", scheduled_for=later)
    lost = plain.task(status="processing", scheduled_for=later)
    after = plain.adopt()
    assert after[future].parked
    assert datetime.fromisoformat(after[future].scheduled_for) == later
    assert not after[lost].parked


def test_a_processing_row_counts_as_lost_once(plain: Old) -> None:
    task = plain.task(status="processing", retry_count=1)
    row = plain.adopt()[task]
    assert (row.status, row.crash_count, row.retry_count) == ("pending", 1, 1)
    assert (row.run_token, row.runner_id) == (None, None)


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


def test_the_printed_queries_mean_what_they_say(plain: Old) -> None:
    query = LATEST_ATTEMPTS.format(org=plain.org)
    mine = {"agent_id": plain.agent, "org_id": plain.org}
    attempts = [insert(plain.session, "agent_executions", **mine) for _ in range(3)]
    old_low = plain.task(status="pending", priority=2, created_at=LONG_AGO)
    failed = plain.task(status="failed", created_at=LONG_AGO)
    plain.task(status="completed", priority=10)
    plain.adopt()
    plain.session.execute("UPDATE ai_agents SET name = 'digest'")
    newest = insert(plain.session, "agent_executions", status="queued", **mine)
    high = plain.task(priority=10)
    shown = plain.session.execute(query).fetchall()  # type: ignore[arg-type]
    assert shown[0][:2] == (newest, "digest")
    assert {row[0] for row in shown[1:]} == set(attempts)
    pending = plain.session.execute(PENDING_TASKS).fetchall()
    assert [(row[0], row[1], row[3], row[4]) for row in pending] == [
        (high, "digest", 10, "pending"),
        (old_low, "digest", 2, "pending"),
    ]
    (row,) = plain.session.execute(FAILED_TASKS).fetchall()
    assert (row[0], row[-1]) == (failed, "digest")


def test_old_applications_go_on_inserting(plain: Old) -> None:
    plain.adopt()
    explicit = plain.task()
    plain.session.execute(
        "INSERT INTO agent_tasks (id, agent_id, task_type) VALUES (NULL, %s, 'x')", (plain.agent,)
    )
    later = plain.task(scheduled_for=datetime.now(UTC) + timedelta(hours=1), status="pending")
    after = tasks(plain.session)
    row = after[explicit]
    assert (row.status, row.priority, row.payload, row.parked) == ("pending", 5, {}, False)
    assert (row.retry_count, row.max_retries) == (0, 3)
    assert row.scheduled_for == row.created_at
    assert after[later].parked
    assert len(after) == 3


@pytest.mark.parametrize(
    ("columns", "rule"),
    [
        ({"priority": 0}, "priority_is_1_to_10"),
        ({"priority": 11}, "priority_is_1_to_10"),
        ({"payload": []}, "payload_is_an_object"),
        ({"status": "queued"}, "status_is_known"),
        ({"status": "processing"}, "processing_has_a_token"),
        ({"scheduled_for": "infinity"}, "time_is_finite"),
        ({"created_at": "infinity"}, "time_is_finite"),
        ({"retry_count": -1}, "retries_are_counted"),
        ({"max_retries": 2**31 - 1}, "retries_are_counted"),
        ({"task_type": ""}, "task_type_is_given"),
    ],
)
def test_what_cannot_run_is_refused_by_the_name_of_the_rule(
    plain: Old, columns: dict[str, Any], rule: str
) -> None:
    plain.task(status="failed", **columns) if "status" not in columns else None
    plain.adopt()
    with pytest.raises(psycopg.errors.CheckViolation, match=rule):
        plain.task(**columns)


def test_ended_rows_of_before_can_be_started_again_by_hand(plain: Old) -> None:
    kinds = [kind for kind in ODD if kind not in ("a list", "a text")]
    failed = {kind: plain.task(status="failed", **ODD[kind]) for kind in kinds}
    done = plain.task(status="completed")
    plain.adopt()
    plain.session.execute("UPDATE agent_tasks SET status = 'pending' WHERE status = 'failed'")
    after = tasks(plain.session)
    rows = {kind: after[one] for kind, one in failed.items()}
    assert {(row.status, row.finished_at, row.parked) for row in rows.values()} == {
        ("pending", None, False)
    }
    assert [rows[kind].priority for kind in ("nothing", "priority 0", "priority 11")] == [5, 1, 10]
    assert len({row.ready_seq for row in rows.values()}) == len(kinds)
    assert after[done].status == "completed"


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
