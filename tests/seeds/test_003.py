"""What 003 promises of graphs, as far as a stream's assignments are one: order, data, failures."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

import pytest

from oppspot_runner.base.errors import Fail
from tests.runner.conftest import Bench

Body = Callable[[Any], Awaitable[dict[str, Any]]]


class Graph:
    """A stream whose agents, called by letters, all run `body`."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.agents: dict[str, UUID] = {}
        self.stream: UUID

    async def lay(self, edges: dict[str, str], body: Body, *, configuration: str = "{}") -> None:
        """`edges` maps an agent to the letters that it depends on."""
        self.bench.registry.register(body, "seed_member")
        self.stream = await self._made("INSERT INTO streams (name) VALUES ('s') RETURNING id")
        for name, needs in edges.items():
            self.agents[name] = await self._made(
                "INSERT INTO ai_agents (name, agent_type, configuration)"
                " VALUES (%s, 'seed_member', %s) RETURNING id",
                *(name, configuration),
            )
            await self._made(
                "INSERT INTO stream_agent_assignments (stream_id, agent_id, depends_on_agent_ids)"
                " VALUES (%s, %s, %s) RETURNING id",
                *(self.stream, self.agents[name], [self.agents[one] for one in needs]),
            )

    async def start(self, payload: str = "{}") -> None:
        await self.bench.task(self.agents["A"], stream_id=self.stream, payload=payload)

    async def ended(self) -> dict[str, Any]:
        """The run, once it has ended."""

        async def check() -> bool:
            rows = await self.bench.db.fetch_all("SELECT status FROM stream_runs")
            return bool(rows) and rows[0]["status"] != "running"

        await self.bench.until(check)
        (run,) = await self.bench.db.fetch_all("SELECT * FROM stream_runs")
        return run

    async def _made(self, insert: str, *values: Any) -> UUID:
        row = await self.bench.db.fetch_one(insert, values)  # type: ignore[arg-type]
        assert row is not None
        return row["id"]


@pytest.fixture
def graph(bench: Bench) -> Graph:
    return Graph(bench)


async def test_agents_of_one_level_run_at_the_same_time(bench: Bench, graph: Graph) -> None:
    there: set[str] = set()
    both = asyncio.Event()

    async def meet(ctx: Any) -> dict[str, Any]:
        if ctx.agent.name in "BC":
            there.add(ctx.agent.name)
            if there == {"B", "C"}:
                both.set()
            await asyncio.wait_for(both.wait(), 10)
        return {}

    await graph.lay({"A": "", "B": "A", "C": "A"}, meet)
    async with bench.running():
        await graph.start()
        run = await graph.ended()
    assert run["status"] == "completed"


async def test_the_first_gets_the_input_and_the_others_what_their_parents_made(
    bench: Bench, graph: Graph
) -> None:
    seen: dict[str, tuple[Any, Any]] = {}

    async def pass_on(ctx: Any) -> dict[str, Any]:
        seen[ctx.agent.name] = (ctx.payload, ctx.upstream)
        return {"by": ctx.agent.name}

    await graph.lay({"A": "", "B": "A", "C": "A", "D": "BC"}, pass_on)
    async with bench.running():
        await graph.start('{"topic": "banks"}')
        await graph.ended()
    ids = {name: str(agent) for name, agent in graph.agents.items()}
    assert seen == {
        "A": ({"topic": "banks"}, {}),
        "B": ({"topic": "banks"}, {ids["A"]: {"by": "A"}}),
        "C": ({"topic": "banks"}, {ids["A"]: {"by": "A"}}),
        "D": ({"topic": "banks"}, {ids["B"]: {"by": "B"}, ids["C"]: {"by": "C"}}),
    }


async def test_a_run_keeps_the_graph_that_it_started_with(bench: Bench, graph: Graph) -> None:
    started, go_on, ran = asyncio.Event(), asyncio.Event(), []

    async def slow(ctx: Any) -> dict[str, Any]:
        ran.append(ctx.agent.name)
        if ctx.agent.name == "A":
            started.set()
            await go_on.wait()
        return {}

    await graph.lay({"A": "", "B": "A", "C": "B"}, slow)
    async with bench.running():
        await graph.start()
        await asyncio.wait_for(started.wait(), 10)
        runs = await bench.db.fetch_all("SELECT status FROM stream_runs")
        await bench.db.execute("DELETE FROM stream_agent_assignments")
        go_on.set()
        run = await graph.ended()
    assert runs == [{"status": "running"}]
    assert (ran, run["status"]) == (["A", "B", "C"], "completed")


async def test_an_agent_that_fails_and_is_retried_does_not_break_its_graph(
    bench: Bench, graph: Graph
) -> None:
    tries: list[str] = []

    async def shaky(ctx: Any) -> dict[str, Any]:
        tries.append(ctx.agent.name)
        if ctx.agent.name == "B" and ctx.attempt < 4:
            raise ConnectionError("try again")
        return {}

    await graph.lay({"A": "", "B": "A", "C": "B"}, shaky, configuration='{"backoff": {"first": 0}}')
    async with bench.running():
        await graph.start()
        run = await graph.ended()
    assert (tries, run["status"]) == (["A", "B", "B", "B", "B", "C"], "completed")


async def test_a_run_says_how_it_ended_and_where(bench: Bench, graph: Graph) -> None:
    async def broken(ctx: Any) -> dict[str, Any]:
        if ctx.agent.name == "B":
            raise Fail("no such model")
        return {"by": ctx.agent.name}

    await graph.lay({"A": "", "B": "A"}, broken)
    async with bench.running():
        await graph.start('{"topic": "banks"}')
        run = await graph.ended()
    assert (run["status"], run["root_agent_id"]) == ("failed", graph.agents["A"])
    assert run["payload"] == {"topic": "banks"}
    assert run["created_at"] <= run["finished_at"]
    rows = await bench.db.fetch_all(
        "SELECT a.name, n.status, e.output_data, e.error_message FROM stream_run_nodes n"
        " JOIN ai_agents a ON a.id = n.agent_id"
        " JOIN agent_executions e ON e.id = n.execution_id ORDER BY a.name"
    )
    assert [tuple(row.values()) for row in rows] == [
        ("A", "completed", {"by": "A"}, None),
        ("B", "failed", None, "no such model"),
    ]
