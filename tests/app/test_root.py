"""The public names: what is promised is there, and a decorated function can be enqueued."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID, uuid4

import pytest
from psycopg.types.json import Jsonb

import oppspot_runner
from oppspot_runner import AsyncClient, Client, agent
from oppspot_runner.app.default_client import forget_default_client
from oppspot_runner.base.errors import NotFoundError
from oppspot_runner.db.pool import Database


def test_every_promised_name_is_there() -> None:
    for name in oppspot_runner.__all__:
        assert getattr(oppspot_runner, name) is not None
    with pytest.raises(AttributeError):
        _ = oppspot_runner.no_such_name


@pytest.fixture
def _own_client() -> Iterator[None]:
    """The client that `.delay()` keeps for the process belongs to this test's database alone."""
    forget_default_client()
    yield
    forget_default_client()


@pytest.mark.usefixtures("_own_client")
async def test_a_decorated_function_is_enqueued_by_its_type(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    @agent("root_digest", max_retries=5)
    async def root_digest(ctx: Any) -> dict[str, Any]:
        return {}

    monkeypatch.setenv("DATABASE_URL", db.dsn)
    with Client(db.dsn) as client:
        client.create_agent(agent_type="root_digest", name="Digest")
        first = root_digest.enqueue({"days": 3}, client=client)
    second = root_digest.delay()
    rows = await db.fetch_all("SELECT id, payload FROM agent_tasks ORDER BY created_at")
    assert [(row["id"], row["payload"]) for row in rows] == [
        (UUID(str(first)), {"days": 3}),
        (UUID(str(second)), {}),
    ]
    assert await root_digest("ctx") == {}


@pytest.mark.parametrize(
    ("configuration", "options", "lane"),
    [
        ({}, {}, "of the code"),
        ({"task_type": ""}, {}, "of the code"),
        ({"task_type": "of the row"}, {}, "of the row"),
        ({"task_type": "of the row"}, {"task_type": "of the call"}, "of the call"),
    ],
)
async def test_the_lane_is_that_of_the_call_else_of_the_row_else_of_the_code(
    db: Database, configuration: dict[str, Any], options: dict[str, Any], lane: str
) -> None:
    @agent("root_lane", task_type="of the code")
    async def root_lane(ctx: Any) -> dict[str, Any]:
        return {}

    async with AsyncClient(db.dsn) as client:
        await client.create_agent(agent_type="root_lane")
        await db.execute("UPDATE ai_agents SET configuration = %s", (Jsonb(configuration),))
        for enqueue in (root_lane.enqueue, root_lane.delay):
            task = await enqueue(client=client, **options)
            assert (await client.get(task)).task_type == lane
        with pytest.raises(NotFoundError):
            await root_lane.enqueue(
                client=client, org_id=uuid4(), task_type=None, stream_id=uuid4()
            )
