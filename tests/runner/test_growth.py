"""Plans that were made beside small tables do not outlive them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from oppspot_runner.agents.context import Context
from oppspot_runner.app.doctor.schema import RIGHTS
from oppspot_runner.base.events import DatabaseAway
from oppspot_runner.db.acting import LACKS
from oppspot_runner.db.outgrown import analyze_outgrown
from oppspot_runner.db.pool import Connection, Database
from oppspot_runner.runner import growth
from oppspot_runner.runner.growth import ENDS
from tests.runner.conftest import Bench

FILL = """
INSERT INTO agent_tasks (status, finished_at)
SELECT 'completed', now() FROM generate_series(1, %s)
"""
PAGES = "SELECT relpages AS n FROM pg_class WHERE oid = 'agent_tasks'::regclass"
SMALL, LARGE = 10, 4000


async def _known_pages(db: Database) -> int:
    row = await db.fetch_one(PAGES)
    assert row is not None
    return int(row["n"])


@asynccontextmanager
async def _grown(db: Database) -> AsyncIterator[Connection]:
    """A session that planned a statement beside a few rows; then there are many."""
    await db.execute(FILL, (SMALL,))
    await db.execute("ANALYZE agent_tasks")
    async with db.connection() as session:
        await session.execute("SET plan_cache_mode = force_generic_plan")
        await session.execute("PREPARE one AS SELECT status FROM agent_tasks WHERE id = $1")
        assert "Seq Scan" in await _plan(session)
        await db.execute(FILL, (LARGE,))
        yield session
        await session.execute("DEALLOCATE one")
        await session.execute("RESET plan_cache_mode")


async def _plan(session: Connection) -> str:
    query = f"EXPLAIN EXECUTE one('{uuid4()}')"
    rows = await (await session.execute(query)).fetchall()
    return "\n".join(row["QUERY PLAN"] for row in rows)


async def test_a_look_lets_sessions_plan_again_what_was_planned_beside_few_rows(
    db: Database,
) -> None:
    async with _grown(db) as session:
        assert "Seq Scan" in await _plan(session), "a plan is kept: else nobody needs a look"
        assert "agent_tasks" in await analyze_outgrown(db)
        assert "Index Scan" in await _plan(session)
        assert "agent_tasks" not in await analyze_outgrown(db), "it is known as large now"


async def test_a_table_that_was_large_already_is_left_to_autovacuum(db: Database) -> None:
    await db.execute(FILL, (LARGE,))
    await db.execute("ANALYZE agent_tasks")
    assert await _known_pages(db) >= 100
    await db.execute(FILL, (3 * LARGE,))
    assert "agent_tasks" not in await analyze_outgrown(db)


async def test_nobody_waits_for_a_table_that_is_being_looked_at(db: Database) -> None:
    async with _grown(db), db.transaction() as other:
        known = await _known_pages(db)
        await other.execute("LOCK TABLE agent_tasks IN SHARE UPDATE EXCLUSIVE MODE")
        assert "agent_tasks" in await analyze_outgrown(db)
        assert await _known_pages(db) == known


async def test_a_runner_that_does_not_own_the_tables_asks_for_nothing(db: Database) -> None:
    role = f"worker_{uuid4().hex}"
    name = sql.Identifier(role)
    await db.execute(sql.SQL("CREATE ROLE {}").format(name).as_string())
    try:
        for text in (
            "GRANT USAGE ON SCHEMA {schema} TO {role}",
            "GRANT SELECT ON ALL TABLES IN SCHEMA {schema} TO {role}",
        ):
            granted = sql.SQL(text).format(schema=sql.Identifier(db.schema), role=name)
            await db.execute(granted.as_string())
        dsn = make_conninfo(db.dsn, options=f"-c role={role}")
        async with _grown(db), Database(dsn, schema=db.schema) as theirs:
            assert await analyze_outgrown(theirs) == []
    finally:
        for text in ("DROP OWNED BY {}", "DROP ROLE {}"):
            await db.execute(sql.SQL(text).format(name).as_string())


async def test_nobody_waits_for_a_table_that_is_being_rebuilt(db: Database) -> None:
    async with db.transaction() as other:
        await other.execute("LOCK TABLE companies IN ACCESS EXCLUSIVE MODE")
        began = time.monotonic()
        with pytest.raises(psycopg.errors.LockNotAvailable):
            await analyze_outgrown(db)
    assert time.monotonic() - began < 10, "the limit of statements is a minute"


async def test_a_schema_may_have_capitals(db: Database) -> None:
    name = f"Own_{uuid4().hex}"
    async with db.connection() as session:
        await session.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(name)))
        for table in ("access_rules", "agent_tasks"):
            like = sql.SQL("CREATE TABLE {}.{} AS TABLE {}")
            old = sql.Identifier(table)
            await session.execute(like.format(sql.Identifier(name), old, old))
    async with Database(db.dsn, schema=name) as theirs:
        await theirs.execute(FILL, (LARGE,))
        assert await analyze_outgrown(theirs) == ["agent_tasks"]
        assert await theirs.fetch_all(RIGHTS, {"names": ["agent_tasks"]}) == []
        assert "there are no policies on agent_tasks" in [
            row["what"] for row in await theirs.fetch_all(LACKS)
        ]


@pytest.mark.parametrize(
    "trouble",
    [
        "LOCK TABLE companies IN ACCESS EXCLUSIVE MODE",
        "ALTER TABLE access_rules RENAME TO other_rules; COMMIT",
    ],
)
async def test_a_look_that_fails_ends_no_runner_and_is_no_outage(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, trouble: str
) -> None:
    failures: asyncio.Queue[BaseException] = asyncio.Queue()

    async def noted(database: Database) -> list[str]:
        try:
            return await analyze_outgrown(database)
        except BaseException as error:
            failures.put_nowait(error)
            raise

    async def quick(_: Context) -> None:
        pass

    monkeypatch.setattr(growth, "analyze_outgrown", noted)
    agent = await bench.agent(quick)
    other = await bench.db.connect()
    async with bench.running(), other:
        await other.execute("BEGIN")
        await other.execute(trouble.encode())
        await bench.db.execute(
            "INSERT INTO agent_tasks (agent_id) SELECT %s FROM generate_series(1, %s)",
            (agent, ENDS),
        )
        assert isinstance(await asyncio.wait_for(failures.get(), 15), psycopg.Error)
        (after,) = await bench.ended(await bench.task(agent))
    assert after["status"] == "completed"
    assert not bench.happened(DatabaseAway)


async def test_a_runner_looks_while_tasks_end(bench: Bench) -> None:
    async def quick(_: Context) -> None:
        pass

    agent = await bench.agent(quick)
    await bench.db.execute("ANALYZE agent_tasks")
    await bench.db.execute(FILL, (LARGE,))
    await bench.db.execute(
        "INSERT INTO agent_tasks (agent_id) SELECT %s FROM generate_series(1, %s)", (agent, ENDS)
    )

    async def is_known() -> bool:
        return await _known_pages(bench.db) > SMALL

    async with bench.running():
        await bench.until(is_known)
