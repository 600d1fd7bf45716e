"""migrate: once, in order, one at a time, in any schema; what fails leaves nothing behind."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any
from uuid import UUID

import psycopg
import pytest
from psycopg import sql

from oppspot_runner.agents.registry import Registry
from oppspot_runner.base.errors import DatabaseError, SchemaError
from oppspot_runner.base.version import package_version
from oppspot_runner.db import migrate as module
from oppspot_runner.db.files import Migration, migrations
from oppspot_runner.db.migrate import SchemaState, migrate, require_schema, schema_state
from oppspot_runner.db.pool import Database
from tests.db.conftest import Place, go_to
from tests.db.old_tables import Session, create_old_tables, insert, old_task, tasks
from tests.runner.conftest import Bench

NUMBERS = tuple(one.number for one in migrations())
NAMES = [f"{one.number:04}_{one.name}" for one in migrations()]


@asynccontextmanager
async def database_of(place: Place) -> AsyncIterator[Database]:
    async with Database(place.dsn, schema=place.schema) as database:
        yield database


def relations(place: Place) -> set[str]:
    """Names of everything in the schema."""
    rows = place.session.execute(
        "SELECT relname FROM pg_class JOIN pg_namespace n ON n.oid = relnamespace"
        " WHERE nspname = %s"
        " UNION ALL SELECT proname FROM pg_proc JOIN pg_namespace n ON n.oid = pronamespace"
        " WHERE nspname = %s",
        (place.schema, place.schema),
    )
    return {row[0] for row in rows}


@pytest.mark.slow
def test_all_files_are_applied_once_and_recorded_by_name(place: Place) -> None:
    assert place.migrate() == NAMES
    recorded = place.session.execute(
        "SELECT number, name, breaking FROM oppspot_migrations ORDER BY number"
    ).fetchall()
    assert recorded == [(one.number, one.name, one.breaking) for one in migrations()]
    assert place.migrate() == []


@pytest.mark.slow
async def test_two_at_once_apply_every_file_once(place: Place) -> None:
    async with database_of(place) as database:
        first, second = await asyncio.gather(migrate(database), migrate(database))
        assert sorted(first + second) == NAMES
        assert (await schema_state(database)).usable


@pytest.mark.slow
async def test_one_that_waits_for_the_other_is_not_timed_out(place: Place) -> None:
    async with (
        # A session may be idle in its transaction for as long, and a busy machine needs a while.
        Database(place.dsn, schema=place.schema, statement_timeout_s=2) as database,
        asyncio.TaskGroup() as group,
    ):
        with place.session.transaction():
            place.session.execute(module.LOCK, {"schema": place.schema})
            waiting = group.create_task(migrate(database))
            await until_one_waits(place.session, "advisory", for_s=2.1)
    assert waiting.result() == NAMES


async def until_one_waits(session: Session, kind: str, *, for_s: float = 0) -> int:
    """The pid of a session that waits for a lock, for that long at least."""
    query = (
        "SELECT a.pid FROM pg_stat_activity a JOIN pg_locks l ON l.pid = a.pid"
        " WHERE a.datname = current_database() AND NOT l.granted AND l.locktype = %s"
        " AND clock_timestamp() - a.query_start > make_interval(secs => %s)"
    )
    async with asyncio.timeout(10):
        while True:
            session.execute("SELECT pg_stat_clear_snapshot()")
            row = session.execute(query, (kind, for_s)).fetchone()
            if row is not None:
                return int(row[0])
            await asyncio.sleep(0.01)


@pytest.mark.slow
async def test_a_table_that_is_in_use_is_not_waited_for_endlessly(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PIECE_MS", 100)
    monkeypatch.setattr(module, "PATIENCE_S", 0)
    create_old_tables(place.session)
    task = old_task(place.session, insert(place.session, "ai_agents"), status="pending")
    before = relations(place)
    async with database_of(place) as database:
        with place.session.transaction():
            place.session.execute("SELECT FROM agent_tasks")
            with pytest.raises(
                SchemaError, match=r"0001_seed_tables was refused: .*lock timeout"
            ) as e:
                await migrate(database)
        assert "pg_stat_activity" in (e.value.hint or "")
        assert relations(place) == before
        assert await migrate(database) == NAMES
    assert tasks(place.session)[task].priority == 5


@pytest.mark.slow
async def test_who_waits_behind_a_migration_goes_on_while_it_waits(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A heartbeat, for instance: whose lease ends because of us loses its tasks."""
    monkeypatch.setattr(module, "PIECE_MS", 200)
    create_old_tables(place.session)
    async with (
        database_of(place) as database,
        asyncio.TaskGroup() as group,
        await database.connect() as behind,
    ):
        await behind.execute("SET lock_timeout = '5s'")
        with place.session.transaction():
            place.session.execute("SELECT FROM agent_tasks")
            migrating = group.create_task(migrate(database))
            await until_one_waits(place.session, "relation")
            await behind.execute("SELECT FROM agent_tasks")
            assert not migrating.done()
    assert migrating.result() == NAMES


def test_no_file_waits_for_longer_than_the_migrator_allows() -> None:
    """Each has its limit for psql in the very words that the migrator replaces."""
    left = {one.name: one.text.replace(module.FILES_OWN_LIMIT, "") for one in migrations()}
    assert not [name for name, text in left.items() if "lock_timeout" in text]


@pytest.mark.slow
def test_no_file_builds_an_index_while_heartbeats_wait_for_it() -> None:
    for migration in migrations():
        built, dropped = migration.text.rfind("CREATE INDEX"), migration.text.find("DROP INDEX")
        if migration.number > 71 and dropped >= 0:
            assert built < dropped, f"{migration.name} drops first, and nobody reads the table then"


@pytest.mark.slow
async def test_a_migrator_that_is_killed_leaves_nothing_and_can_be_run_again(place: Place) -> None:
    create_old_tables(place.session)
    before = relations(place)
    async with database_of(place) as database:
        with place.session.transaction():
            place.session.execute("SELECT FROM agent_tasks")

            async def kill() -> None:
                pid = await until_one_waits(place.session, "relation")
                place.session.execute("SELECT pg_terminate_backend(%s)", (pid,))

            async with asyncio.TaskGroup() as group:
                group.create_task(kill())
                with pytest.raises(DatabaseError, match="broke during migration 0001") as e:
                    await migrate(database)
        assert "Run it again" in (e.value.hint or "")
        assert relations(place) == before
        assert await migrate(database) == NAMES


@pytest.mark.slow
async def test_a_file_that_fails_leaves_nothing_and_the_ones_before_it_stay(place: Place) -> None:
    place.session.execute("CREATE SEQUENCE agent_tasks_run_token_seq")
    async with database_of(place) as database:
        with pytest.raises(SchemaError, match=r"0002_queue was refused: .*already exists") as e:
            await migrate(database)
        assert "Rename what is there" in (e.value.hint or "")
        assert (await schema_state(database)).applied == (1,)
        assert "agent_tasks" in relations(place)
        assert not {"task_runners", "agent_tasks_ready", "task_lane"} & relations(place)
        place.session.execute("ALTER SEQUENCE agent_tasks_run_token_seq RENAME TO theirs")
        assert await migrate(database) == NAMES[1:]


@pytest.mark.slow
async def test_a_schema_in_any_state_is_told_from_the_others(place: Place) -> None:
    async with database_of(place) as database:
        assert await schema_state(database) == SchemaState((), NUMBERS, (), ())
        with pytest.raises(SchemaError, match=f"lacks {len(NUMBERS)} migration") as e:
            await require_schema(database)
        assert e.value.hint == "Run `oppspot-runner migrate`."
        await migrate(database)
        assert await schema_state(database) == SchemaState(NUMBERS, (), (), ())
        await require_schema(database)


@pytest.mark.slow
async def test_newer_additions_are_used_and_newer_breaking_changes_refused(place: Place) -> None:
    async with database_of(place) as database:
        await migrate(database)
        place.session.execute("INSERT INTO oppspot_migrations VALUES (7001, 'more', false, now())")
        state = await schema_state(database)
        assert (state.newer, state.newer_breaking, state.usable) == ((7001,), (), True)
        await require_schema(database)
        assert await migrate(database) == []
        place.session.execute("INSERT INTO oppspot_migrations VALUES (7002, 'other', true, now())")
        assert not (await schema_state(database)).usable
        for refused in (migrate, require_schema):
            with pytest.raises(SchemaError, match=r"newer oppspot-runner \(migration 7002\)") as e:
                await refused(database)  # type: ignore[operator]
            assert "upgrade" in (e.value.hint or "")


@pytest.mark.slow
async def test_a_breaking_file_waits_for_the_last_runner_of_another_version(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    later = Migration(7003, "without_notes", "CREATE TABLE without_notes ()", breaking=True)
    async with database_of(place) as database:
        await migrate(database)
        place.session.execute(
            "INSERT INTO task_runners"
            " (host, pid, version, slots, poll_s, lease_s, beat_s, lease_until)"
            " VALUES ('far', 1, '0.0.9', 1, 5, 30, 5, oppspot_now() + interval '1 minute')"
        )
        monkeypatch.setattr(module, "migrations", lambda: (*migrations(), later))
        assert await migrate(database) == []
        state = await schema_state(database)
        assert (state.waiting, state.pending, state.usable) == ((7003,), (), True)
        await require_schema(database)

        place.session.execute("UPDATE task_runners SET version = %s", (package_version(),))
        assert await migrate(database) == ["7003_without_notes"]
        assert (await schema_state(database)).waiting == ()

        monkeypatch.undo()  # what the runner of that other version would find now
        with pytest.raises(SchemaError, match="newer oppspot-runner"):
            await require_schema(database)


@pytest.mark.slow
async def test_a_gap_in_the_record_is_seen_and_filled(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    filler = "COMMENT ON TABLE agent_tasks IS 'filled'"
    with_filler = tuple(
        replace(one, text=filler) if one.number == 3 else one for one in migrations()
    )
    async with database_of(place) as database:
        await migrate(database)
        place.session.execute("DELETE FROM oppspot_migrations WHERE number = 3")
        monkeypatch.setattr(module, "migrations", lambda: with_filler)
        state = await schema_state(database)
        assert (state.pending, state.newer, state.usable) == ((3,), (), False)
        assert await migrate(database) == [NAMES[2]]
        assert (await schema_state(database)).usable


async def test_an_old_server_is_refused_with_its_version(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "OLDEST_SERVER", 990000)
    async with database_of(place) as database:
        with pytest.raises(SchemaError, match=r"PostgreSQL \d+\.\d+.* is too old") as e:
            await migrate(database)
    assert e.value.hint == "Use PostgreSQL 14 or newer."
    assert relations(place) == set()


async def test_a_role_without_rights_is_told_whose_work_it_is(place: Place) -> None:
    role = sql.Identifier(f"role_of_{place.schema}")
    dsn = psycopg.conninfo.make_conninfo(place.dsn, options=f"-crole=role_of_{place.schema}")

    async def refused(schema: str, reason: str) -> None:
        async with Database(dsn, schema=schema, max_size=1) as database:
            with pytest.raises(SchemaError, match=reason) as e:
                await migrate(database)
            assert "owner" in (e.value.hint or "")

    place.session.execute(sql.SQL("CREATE ROLE {} LOGIN").format(role))
    try:
        await refused(place.schema + "x", "permission denied for database")
        await refused(place.schema, "may not use the schema")
        place.session.execute(
            sql.SQL("GRANT USAGE ON SCHEMA {} TO {}").format(sql.Identifier(place.schema), role)
        )
        await refused(place.schema, f"permission denied for schema {place.schema}")
    finally:
        place.session.execute(sql.SQL("DROP OWNED BY {}").format(role))
        place.session.execute(sql.SQL("DROP ROLE {}").format(role))


async def noop(ctx: Any) -> dict[str, Any]:
    return {}


@pytest.mark.slow
@pytest.mark.parametrize("name", ["Mixed", 'odd "name"'])
async def test_two_schemas_of_one_database_have_nothing_in_common(
    place: Place, registry: Registry, name: str
) -> None:
    registry.register(noop)
    ids: list[list[UUID]] = [[], []]
    async with (
        Database(place.dsn, schema=name, max_size=10) as one,
        Database(place.dsn, schema=name + " 2", max_size=10) as two,
    ):
        benches = [Bench(one, registry), Bench(two, registry)]
        for bench in benches:
            assert await migrate(bench.db) == NAMES
        agents = [await bench.agent_row("noop") for bench in benches]
        async with benches[0].running(), benches[1].running():
            for _ in range(5):
                for bench, agent, made in zip(benches, agents, ids, strict=True):
                    made.append(await bench.task(agent))
            for bench, made in zip(benches, ids, strict=True):
                assert {row["status"] for row in await bench.ended(*made)} == {"completed"}
    for schema, made in zip((name, name + " 2"), ids, strict=True):
        go_to(place.session, schema)
        assert set(tasks(place.session)) == set(made)
