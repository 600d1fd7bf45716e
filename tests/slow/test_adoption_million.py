"""A million rows are adopted in seconds, without a rewrite of what has ended.

Not part of the ordinary run. `pytest tests/slow/test_adoption_million.py -s` prints its figures.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from uuid import uuid4

import psycopg
import pytest

from oppspot_runner.db.migrate import migrate
from oppspot_runner.db.pool import Database
from tests.conftest import create_database, drop_database
from tests.db.old_tables import OLD_COLUMNS, Session, create_old_tables, insert

ROWS = 1_000_000
pytestmark = pytest.mark.timeout(900)

# What comes to mind first: defaults that differ from row to row, and every row brought into shape.
NAIVE = """
    CREATE SEQUENCE ready;
    ALTER TABLE agent_tasks ADD ready_seq bigint NOT NULL DEFAULT nextval('ready'),
        ADD run_token uuid DEFAULT gen_random_uuid(), ADD parked boolean NOT NULL DEFAULT false;
    UPDATE agent_tasks SET priority = coalesce(priority, 5), payload = coalesce(payload, '{}'),
        retry_count = coalesce(retry_count, 0), scheduled_for = coalesce(scheduled_for, now()),
        status = coalesce(status, 'pending');
    CREATE INDEX ON agent_tasks (priority, ready_seq) WHERE status = 'pending'
"""


def old_million(server: str, status: str) -> str:
    """Name of a database with the printed tables and a million tasks; `status` is an expression."""
    name = f"oppspot_million_{uuid4().hex[:8]}"
    dsn = create_database(server, name)
    with psycopg.connect(dsn, autocommit=True) as session:
        create_old_tables(session)
        agent = insert(session, "ai_agents")
        session.execute(
            "INSERT INTO agent_tasks (id, agent_id, task_type, priority, payload, status,"  # type: ignore[arg-type]
            " scheduled_for, created_at) SELECT gen_random_uuid(), %s, 'agent_execution',"
            " nullif(n %% 11, 0), jsonb_build_object('n', n, 'text', repeat('x', 100)),"
            f" {status}, CASE WHEN n %% 3 = 0 THEN now() END, now() - make_interval(secs => n)"
            f" FROM generate_series(1, {ROWS}) n",
            (agent,),
        )
        session.execute("VACUUM ANALYZE agent_tasks")
    return name


@pytest.fixture(params=["mostly ended", "all pending"])
def million(server: str, request: pytest.FixtureRequest) -> Iterator[tuple[str, str]]:
    """What the rows are, and the name of their database."""
    mostly = "CASE WHEN n %% 100 = 0 THEN NULL WHEN n %% 10 = 0 THEN 'failed' ELSE 'completed' END"
    name = old_million(server, {"mostly ended": mostly, "all pending": "'pending'"}[request.param])
    yield request.param, name
    drop_database(name)


def ended_rows(session: Session) -> tuple[object, ...] | None:
    """One number for all ended rows with their versions and places, and the table's file."""
    return session.execute(
        f"SELECT sum(hashtextextended(ROW({OLD_COLUMNS})::text || xmin || ctid, 0)),"  # type: ignore[arg-type]
        " pg_relation_filenode('agent_tasks') FROM agent_tasks"
        " WHERE status IN ('completed', 'failed')"
    ).fetchone()


def size_mb(session: Session) -> int:
    row = session.execute("SELECT pg_database_size(current_database()) >> 20").fetchone()
    assert row is not None
    return int(row[0])


def test_a_million_rows_are_adopted_without_a_rewrite(
    server: str, million: tuple[str, str]
) -> None:
    kind, name = million
    naive_seconds, naive_mb = naively(server, name)
    dsn = psycopg.conninfo.make_conninfo(server, dbname=name)
    with psycopg.connect(dsn, autocommit=True) as session:
        before, before_mb = ended_rows(session), size_mb(session)
        began = time.monotonic()
        asyncio.run(migrated(dsn))
        seconds, after_mb = time.monotonic() - began, size_mb(session)
        print(
            f"\n{kind}: {seconds:.1f} s, {before_mb} -> {after_mb} MB;"
            f" naively {naive_seconds:.1f} s, {naive_mb} MB"
        )
        assert ended_rows(session) == before
        waiting = session.execute(
            "SELECT count(*), count(DISTINCT ready_seq) FROM agent_tasks WHERE status = 'pending'"
        ).fetchone()
    assert waiting == ((ROWS, ROWS) if kind == "all pending" else (ROWS // 100, ROWS // 100))
    if kind == "mostly ended":
        assert after_mb < before_mb * 1.1
        assert naive_mb > before_mb * 1.5


async def migrated(dsn: str) -> None:
    async with Database(dsn, max_size=1) as database:
        await migrate(database)


def naively(server: str, name: str) -> tuple[float, int]:
    """Seconds and megabytes of the obvious way, on a copy."""
    copy = f"{name}_naive"
    dsn = create_database(server, copy, name)
    try:
        with psycopg.connect(dsn, autocommit=True) as session:
            began = time.monotonic()
            session.execute(NAIVE)
            return time.monotonic() - began, size_mb(session)
    finally:
        drop_database(copy)
