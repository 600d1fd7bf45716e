"""Chains: order, fan-in under every interleaving, failures that skip, runs that end."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any
from uuid import UUID

import psycopg
import pytest

from oppspot_runner.base.errors import Fail
from oppspot_runner.db.pool import Connection, Database
from oppspot_runner.workflow import chain
from tests.runner.conftest import FAST, Bench
from tests.stepping import Step, Stepper, interleave, session

INTERLEAVINGS = 200


class Graph:
    """A stream whose agents are called by letters."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.ran: list[str] = []
        self.upstream: dict[str, dict[str, Any]] = {}
        self.agents: dict[str, UUID] = {}
        self.stream: UUID
        self.failing: set[str] = set()

    async def lay(self, edges: dict[str, str], **columns: Any) -> Graph:
        """`edges` maps an agent to the letters that it depends on."""
        graph = self

        async def member(ctx: Any) -> dict[str, Any]:
            name = ctx.agent.name
            graph.ran.append(name)
            graph.upstream[name] = ctx.upstream
            if name in graph.failing:
                raise Fail(f"{name} cannot")
            return {"by": name}

        self.bench.registry.register(member)
        row = await self.bench.db.fetch_one("INSERT INTO streams (name) VALUES ('s') RETURNING id")
        assert row is not None
        self.stream = row["id"]
        for name in edges:
            self.agents[name] = await self.agent(name)
        for place, (name, needs) in enumerate(edges.items()):
            await self.assign(name, needs, place)
        return self

    async def agent(self, name: str) -> UUID:
        row = await self.bench.db.fetch_one(
            "INSERT INTO ai_agents (name, agent_type) VALUES (%s, 'member') RETURNING id", (name,)
        )
        assert row is not None
        return row["id"]

    async def assign(self, name: str, needs: str, place: int) -> None:
        await self.bench.db.execute(
            "INSERT INTO stream_agent_assignments"
            " (stream_id, agent_id, execution_order, depends_on_agent_ids) VALUES (%s, %s, %s, %s)",
            (self.stream, self.agents[name], place, [self.agents[one] for one in needs]),
        )

    async def start(self, name: str = "A", payload: str = "{}") -> UUID:
        return await self.bench.task(self.agents[name], stream_id=self.stream, payload=payload)

    async def run_ended(self) -> dict[str, Any]:
        async def ended() -> bool:
            runs = await self.bench.db.fetch_all("SELECT status FROM stream_runs")
            return bool(runs) and all(run["status"] != "running" for run in runs)

        await self.bench.until(ended)
        row = await self.bench.db.fetch_one("SELECT * FROM stream_runs")
        assert row is not None
        return row

    async def nodes(self) -> dict[str, str]:
        rows = await self.bench.db.fetch_all(
            "SELECT a.name, n.status FROM stream_run_nodes n JOIN ai_agents a ON a.id = n.agent_id"
        )
        return {row["name"]: row["status"] for row in rows}


@pytest.fixture
def graph(bench: Bench) -> Graph:
    return Graph(bench)


async def test_three_agents_run_in_order_from_one_insert(bench: Bench, graph: Graph) -> None:
    await graph.lay({"A": "", "B": "A", "C": "B"})
    async with bench.running(replace(FAST, poll_s=30)):
        await graph.start(payload='{"goal_context": {"x": 1}}')
        run = await graph.run_ended()
    assert graph.ran == ["A", "B", "C"]
    assert run["status"] == "completed"
    assert graph.upstream["C"] == {str(graph.agents["B"]): {"by": "B"}}
    tasks = await bench.db.fetch_all("SELECT payload FROM agent_tasks")
    assert all(task["payload"] == {"goal_context": {"x": 1}} for task in tasks)
    counts = await bench.db.fetch_all("SELECT total_executions FROM stream_agent_assignments")
    assert [row["total_executions"] for row in counts] == [1, 1, 1]


async def test_a_task_in_the_middle_counts_what_is_above_it_as_met(
    bench: Bench, graph: Graph
) -> None:
    await graph.lay({"A": "", "B": "A", "C": "B"})
    async with bench.running():
        await graph.start("B")
        await graph.run_ended()
    assert graph.ran == ["B", "C"]


async def test_a_run_is_not_opened_twice_when_the_answer_of_the_first_time_got_lost(
    bench: Bench, graph: Graph, monkeypatch: pytest.MonkeyPatch
) -> None:
    await graph.lay({"A": "", "B": "A"})
    lost = [psycopg.OperationalError("the connection is lost")]
    open_run = chain.open_run

    async def unheard(*arguments: Any) -> UUID:
        run = await open_run(*arguments)
        if lost:
            raise lost.pop()
        return run

    monkeypatch.setattr(chain, "open_run", unheard)
    async with bench.running():
        await graph.start()
        await graph.run_ended()
    assert not lost
    assert graph.ran == ["A", "B"]


async def test_chain_false_runs_the_agent_alone(bench: Bench, graph: Graph) -> None:
    await graph.lay({"A": "", "B": "A"})
    async with bench.running():
        await graph.start(payload='{"chain": false}')
        await graph.run_ended()
    assert graph.ran == ["A"]


async def test_a_failure_skips_what_depends_on_it_and_nothing_else(
    bench: Bench, graph: Graph
) -> None:
    await graph.lay({"A": "", "B": "A", "C": "A", "D": "BC", "E": "D"})
    graph.failing = {"B"}
    async with bench.running():
        await graph.start()
        run = await graph.run_ended()
    assert sorted(graph.ran) == ["A", "B", "C"]
    assert await graph.nodes() == {
        "A": "completed", "B": "failed", "C": "completed", "D": "skipped", "E": "skipped",
    }  # fmt: skip
    assert run["status"] == "failed"


async def test_a_failed_node_started_again_by_hand_brings_the_run_to_its_end(
    bench: Bench, graph: Graph
) -> None:
    await graph.lay({"A": "", "B": "A", "C": "A", "D": "BC", "E": "D"})
    graph.failing = {"B"}
    async with bench.running():
        await graph.start()
        await graph.run_ended()
        graph.failing = set()
        await bench.db.execute("UPDATE agent_tasks SET status = 'pending' WHERE status = 'failed'")
        run = await graph.run_ended()
    assert set((await graph.nodes()).values()) == {"completed"}
    assert run["status"] == "completed"
    assert graph.ran.count("D") == graph.ran.count("E") == 1


async def test_a_task_cancelled_by_hand_ends_its_run(bench: Bench, graph: Graph) -> None:
    await graph.lay({"A": "", "B": "A"})
    task = await graph.start()
    await bench.db.execute("INSERT INTO task_pauses (scope, key) VALUES ('type', 'member')")
    async with bench.db.connection() as connection:
        run = await connection.execute(
            "SELECT open_stream_run(%s, %s, %s, '{}', 5, NULL) AS id",
            (graph.stream, graph.agents["A"], task),
        )
        row = await run.fetchone()
        assert row is not None
        await connection.execute(
            "UPDATE agent_tasks SET run_id = %s WHERE id = %s", (row["id"], task)
        )
    await bench.db.execute("UPDATE agent_tasks SET status = 'cancelled' WHERE id = %s", (task,))
    assert await graph.nodes() == {"A": "cancelled", "B": "skipped"}
    assert (await graph.run_ended())["status"] == "cancelled"


async def test_a_cycle_is_refused_with_the_cycle_spelled_out(bench: Bench, graph: Graph) -> None:
    await graph.lay({"A": "", "B": "AC", "C": "B"})
    async with bench.running():
        task = await graph.start()
        (row,) = await bench.ended(task)
    assert row["status"] == "failed"
    assert row["error_message"].startswith("the agents wait for each other: B -> C -> B") or row[
        "error_message"
    ].startswith("the agents wait for each other: C -> B -> C")
    assert graph.ran == []


async def test_an_assignment_that_does_not_start_by_itself_is_left_out(
    bench: Bench, graph: Graph
) -> None:
    await graph.lay({"A": "", "B": "A", "C": "B", "D": "AB"})
    await bench.db.execute(
        "UPDATE stream_agent_assignments SET auto_execute = false WHERE agent_id = %s",
        (graph.agents["B"],),
    )
    async with bench.running():
        await graph.start()
        await graph.run_ended()
    assert graph.ran == ["A", "D"]


async def test_a_task_cannot_work_on_the_stream_of_another_organisation(
    bench: Bench, graph: Graph
) -> None:
    await graph.lay({"A": ""})
    org = await bench.db.fetch_one("INSERT INTO organizations (name) VALUES ('o') RETURNING id")
    assert org is not None
    async with bench.running():
        task = await bench.task(graph.agents["A"], stream_id=graph.stream, org_id=org["id"])
        (row,) = await bench.ended(task)
    assert "there is no stream" in row["error_message"]


def finishes(run: UUID, agent: UUID) -> Step:
    """The step that ends a node and goes on with what depends on it."""

    async def settle(connection: Connection) -> None:
        await chain.after(connection, [chain.Settled(run, agent, "completed", None)])

    return settle


@pytest.mark.slow
async def test_a_diamond_starts_its_end_once_under_200_interleavings(
    bench: Bench, graph: Graph
) -> None:
    await graph.lay({"A": "", "B": "A", "C": "A", "D": "BC"})
    dice = random.Random(20261120)
    async with session(bench.db) as left, session(bench.db) as right:
        for _ in range(INTERLEAVINGS):
            run = await opened(bench.db, graph)
            order = ["B"] * 3 + ["C"] * 3
            dice.shuffle(order)
            finishers = {
                "B": Stepper(left, finishes(run, graph.agents["B"])),
                "C": Stepper(right, finishes(run, graph.agents["C"])),
            }
            await interleave(bench.db, finishers, order)
            rows = await bench.db.fetch_all(
                "SELECT n.status, count(t.id) AS tasks FROM stream_run_nodes n"
                " LEFT JOIN agent_tasks t ON t.run_id = n.run_id AND t.agent_id = n.agent_id"
                " WHERE n.run_id = %s AND n.agent_id = %s GROUP BY n.status",
                (run, graph.agents["D"]),
            )
            assert [(row["status"], row["tasks"]) for row in rows] == [("queued", 1)], order


async def opened(db: Database, graph: Graph) -> UUID:
    """A run whose A is completed, with the tasks of B and C inserted."""
    async with db.transaction() as connection:
        run = await connection.execute(
            "SELECT open_stream_run(%s, NULL, NULL, '{}', 5, NULL) AS id", (graph.stream,)
        )
        row = await run.fetchone()
        assert row is not None
        await chain.after(
            connection, [chain.Settled(row["id"], graph.agents["A"], "completed", None)]
        )
        return row["id"]


async def test_two_runners_bring_a_diamond_to_its_end(bench: Bench, graph: Graph) -> None:
    await graph.lay({"A": "", "B": "A", "C": "A", "D": "BC"})
    async with bench.running(), bench.running():
        await graph.start()
        await graph.run_ended()
    assert graph.ran[0] == "A"
    assert sorted(graph.ran[1:3]) == ["B", "C"]
    assert graph.ran[3:] == ["D"]
    assert set(graph.upstream["D"]) == {str(graph.agents["B"]), str(graph.agents["C"])}
