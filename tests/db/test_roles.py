"""No superuser is needed: an ordinary owner migrates, a role that reads and writes can run."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from oppspot_runner.agents.registry import Registry
from oppspot_runner.db.migrate import migrate
from oppspot_runner.db.pool import Database
from tests.db.conftest import Place
from tests.runner.conftest import Bench

MakeRole = Callable[..., str]


@pytest.fixture
def role(place: Place) -> Iterator[MakeRole]:
    """Makes a role with the given rights; returns a connection string that acts as that role."""
    made: list[sql.Identifier] = []

    def make(name: str, *rights: str) -> str:
        whole = f"{name}_{place.schema}"
        made.append(sql.Identifier(whole))
        place.session.execute(sql.SQL("CREATE ROLE {}").format(made[-1]))
        for right in rights:
            place.session.execute(
                sql.SQL("GRANT " + right + " TO {role}").format(  # type: ignore[arg-type]
                    schema=sql.Identifier(place.schema), role=made[-1]
                )
            )
        return make_conninfo(place.dsn, options=f"-crole={whole}")

    yield make
    for one in made:
        place.session.execute(sql.SQL("DROP OWNED BY {} CASCADE").format(one))
        place.session.execute(sql.SQL("DROP ROLE {}").format(one))


async def noop(ctx: Any) -> dict[str, Any]:
    return {}


async def runs_a_task(dsn: str, place: Place, registry: Registry) -> None:
    async with Database(dsn, schema=place.schema, max_size=5) as database:
        assert await migrate(database) == []
        bench = Bench(database, registry)
        agent = await bench.agent(noop)
        async with bench.running():
            stream = await database.fetch_one("INSERT INTO streams DEFAULT VALUES RETURNING id")
            assert stream is not None
            tasks = await bench.task(agent), await bench.task(agent, stream_id=stream["id"])
            rows = await bench.ended(*tasks)
        assert [row["status"] for row in rows] == ["completed", "completed"]
        assert await database.fetch_all("SELECT FROM run_events WHERE type = 'completed'")


@pytest.mark.slow
async def test_an_ordinary_owner_migrates_and_runs(
    place: Place, registry: Registry, role: MakeRole
) -> None:
    dsn = role("owner", "USAGE, CREATE ON SCHEMA {schema}")
    async with Database(dsn, schema=place.schema, max_size=1) as database:
        assert await migrate(database)
    await runs_a_task(dsn, place, registry)


@pytest.mark.slow
async def test_a_runner_needs_only_to_read_and_write(
    place: Place, registry: Registry, role: MakeRole
) -> None:
    async with Database(place.dsn, schema=place.schema, max_size=1) as database:
        await migrate(database)
    dsn = role(
        "runner",
        "USAGE ON SCHEMA {schema}",
        "SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {schema}",
        "USAGE ON ALL SEQUENCES IN SCHEMA {schema}",
    )
    await runs_a_task(dsn, place, registry)
