"""Replays through a real runner: steps that are kept, and what a chain gives to a replay."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from oppspot_runner.app.client import AsyncClient
from oppspot_runner.base.errors import ConflictError, InvalidInputError, NotFoundError
from tests.runner.conftest import Bench


class Writer:
    """An agent of three steps that counts how often each was paid for."""

    def __init__(self) -> None:
        self.paid: list[str] = []
        self.broken = True

    async def pay(self, name: str) -> str:
        self.paid.append(name)
        return f"{name} {len(self.paid)}"

    async def writer(self, ctx: Any) -> dict[str, Any]:
        made = [await ctx.step(name, self.pay, name) for name in ("find", "read", "read", "write")]
        if self.broken:
            return {"error": "no paper", "retry": False}
        return {"made": made, "to": ctx.payload.get("to")}


@pytest.fixture
def writer() -> Writer:
    return Writer()


@pytest.fixture
async def failed(bench: Bench, writer: Writer) -> UUID:
    """A task of the writer that failed after its last step."""

    async def body(ctx: Any) -> dict[str, Any]:
        return await writer.writer(ctx)

    agent = await bench.agent(body)
    task = await bench.task(agent, payload='{"to": "Ada"}', priority=7, requested_by="Tom")
    async with bench.running():
        await bench.ended(task)
    assert writer.paid == ["find", "read", "read", "write"]
    return task


async def replayed(bench: Bench, writer: Writer, task: UUID, **options: Any) -> dict[str, Any]:
    """Replays a task to its end; what its attempt returned."""
    writer.paid.clear()
    writer.broken = False
    before = await bench.row(task)
    made = await AsyncClient(bench.db).replay(task, **options)
    async with bench.running():
        (row,) = await bench.ended(made)
    assert row["replay_of"] == task
    assert (row["priority"], row["requested_by"]) == (7, "Tom")
    assert await bench.row(task) == before
    (attempt,) = await bench.attempts(made)
    output: dict[str, Any] = attempt["output_data"]
    return output


@pytest.mark.parametrize(
    ("from_step", "paid"),
    [
        (None, ["find", "read", "read", "write"]),
        ("find", ["find", "read", "read", "write"]),
        ("read", ["read", "read", "write"]),
        ("read:1", ["read", "write"]),
        ("write", ["write"]),
    ],
)
async def test_steps_before_the_one_that_is_named_are_not_paid_again(
    bench: Bench, writer: Writer, failed: UUID, from_step: str | None, paid: list[str]
) -> None:
    output = await replayed(bench, writer, failed, from_step=from_step)
    assert writer.paid == paid
    kept = 4 - len(paid)
    assert output["made"][:kept] == ["find 1", "read 2", "read 3"][:kept]


async def test_a_replay_of_a_replay_keeps_the_order_of_the_steps(
    bench: Bench, writer: Writer, failed: UUID
) -> None:
    await replayed(bench, writer, failed, from_step="write", payload={"to": "Eve"})
    (made,) = await bench.db.fetch_all(
        "SELECT id, payload FROM agent_tasks WHERE id <> %s", (failed,)
    )
    assert made["payload"] == {"to": "Eve"}
    output = await replayed(bench, writer, made["id"], from_step="read:1")
    assert writer.paid == ["read", "write"]
    assert output == {"made": ["find 1", "read 2", "read 1", "write 2"], "to": "Eve"}


async def test_an_unknown_step_is_refused_with_the_known_ones(bench: Bench, failed: UUID) -> None:
    client = AsyncClient(bench.db)
    with pytest.raises(NotFoundError, match="has no finished step 'wrote'") as refused:
        await client.replay(failed, from_step="wrote")
    assert refused.value.hint == "Its finished steps: find, read, read:1, write."
    with pytest.raises(NotFoundError, match="there is no task"):
        await client.replay("00000000-0000-7000-8000-000000000001")
    with pytest.raises(InvalidInputError, match="not a JSON object"):
        await client.replay(failed, payload=[1])  # type: ignore[arg-type]


async def test_only_what_ended_is_replayed_and_a_key_stays_unique(bench: Bench) -> None:
    agent = await bench.agent_row("digest")
    task = await bench.task(agent, unique_key="once")
    client = AsyncClient(bench.db)
    with pytest.raises(ConflictError, match="is pending: only a task that ended"):
        await client.replay(task)
    await client.cancel(task)
    made = await client.replay(task)
    assert (await bench.row(made))["unique_key"] == "once"
    with pytest.raises(ConflictError, match="unique_key 'once'"):
        await client.replay(task)


async def test_in_a_chain_a_replay_gets_what_the_first_run_gave_and_goes_on_by_itself(
    bench: Bench,
) -> None:
    seen: list[tuple[str, dict[str, Any]]] = []

    async def member(ctx: Any) -> dict[str, Any]:
        seen.append((ctx.agent.name, ctx.upstream))
        return {"by": ctx.agent.name}

    bench.registry.register(member)
    stream = await bench.db.fetch_one("INSERT INTO streams (name) VALUES ('s') RETURNING id")
    assert stream is not None
    agents: list[UUID] = []
    for name in "ABC":
        agents.append(await bench.agent_row("member"))
        await bench.db.execute("UPDATE ai_agents SET name = %s WHERE id = %s", (name, agents[-1]))
        await bench.db.execute(
            "INSERT INTO stream_agent_assignments (stream_id, agent_id, depends_on_agent_ids)"
            " VALUES (%s, %s, %s)",
            (stream["id"], agents[-1], agents[-2:-1]),
        )

    async def runs_completed(number: int) -> bool:
        rows = await bench.db.fetch_all("SELECT FROM stream_runs WHERE status = 'completed'")
        return len(rows) == number

    async with bench.running():
        await bench.task(agents[0], stream_id=stream["id"])
        await bench.until(lambda: runs_completed(1))
        middle = await bench.db.fetch_one(
            "SELECT id FROM agent_tasks WHERE agent_id = %s", (agents[1],)
        )
        assert middle is not None
        made = await AsyncClient(bench.db).replay(middle["id"])
        await bench.until(lambda: runs_completed(2))
        await AsyncClient(bench.db).replay(made)
        await bench.until(lambda: runs_completed(3))
    again = [
        ("B", {str(agents[0]): {"by": "A"}}),
        ("C", {str(agents[1]): {"by": "B"}}),
    ]
    assert seen == [("A", {}), *again, *again, *again]
