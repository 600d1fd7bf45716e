"""Plans that were made beside small tables do not outlive them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import uuid4

from psycopg import sql
from psycopg.conninfo import make_conninfo

from oppspot_runner.agents.context import Context
from oppspot_runner.db.outgrown import analyze_outgrown
from oppspot_runner.db.pool import Connection, Database
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
