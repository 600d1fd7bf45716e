"""Graphs by parent_id, strategies, cancelling, running again, and graphs of a thousand agents."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import pytest

from oppspot_runner.app.client import AsyncClient
from oppspot_runner.base import outcome as ends
from oppspot_runner.base.backoff import Backoff
from oppspot_runner.base.errors import ConflictError, CycleError, InvalidInputError, NotFoundError
from oppspot_runner.base.task import Task
from oppspot_runner.db.files import statement
from oppspot_runner.db.pool import Connection, Database
from oppspot_runner.queue.claiming import Claimer
from oppspot_runner.queue.settlement import settlement
from oppspot_runner.runner.settler import write
from oppspot_runner.workflow import chain, runs
from tests.runner.conftest import Bench
from tests.stepping import Step, Stepper, interleave, session
from tests.workflow.evaluator import Node
from tests.workflow.playing import Game, Table

NODES = "SELECT FROM stream_run_nodes WHERE run_id = %s FOR UPDATE NOWAIT"
REQUEUE = statement("dead_letters/requeue")
CHILD = """
    INSERT INTO agent_tasks (parent_task_id, status, finished_at)
    SELECT id, %s, CASE %s WHEN 'failed' THEN oppspot_now() END FROM agent_tasks RETURNING id
"""
TREE = {"root": None, "left": "root", "right": "root", "leaf": "left", "twig": "leaf"}


class Tree:
    """Agents below each other by parent_id; each adds its name to what it was given."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.client = AsyncClient(bench.db)
        self.agents: dict[str, UUID] = {}
        self.given: dict[str, Any] = {}
        self.begun: list[str] = []
        self.held: dict[str, asyncio.Event] = {}

    async def grow(self, parents: dict[str, str | None]) -> Tree:
        async def member(ctx: Any) -> dict[str, Any]:
            name = ctx.agent.name
            self.begun.append(name)
            self.given[name] = ctx.payload
            if name in self.held:
                await asyncio.wait_for(self.held[name].wait(), 20)
            return {"path": [*ctx.payload.get("path", []), name]}

        self.bench.registry.register(member)
        for name, parent in parents.items():
            above = None if parent is None else self.agents[parent]
            self.agents[name] = await self.client.create_agent(
                agent_type="member", name=name, parent=above
            )
        return self

    async def ended(self, run: UUID) -> dict[str, Any]:
        async def check() -> bool:
            return (await runs.get_run(self.bench.db, run))["status"] != "running"

        await self.bench.until(check)
        row = await self.bench.db.fetch_one(
            "SELECT r.*, r.results AS results FROM stream_runs r WHERE id = %s", (run,)
        )
        assert row is not None
        return row


@pytest.fixture
def tree(bench: Bench) -> Tree:
    return Tree(bench)


@pytest.fixture
async def table(db: Database) -> AsyncIterator[Table]:
    async with Table(db) as laid:
        yield laid


@pytest.mark.parametrize(
    ("strategy", "order"),
    [
        ("event", None),
        ("level", [{"root"}, {"left", "right"}, {"leaf"}, {"twig"}]),
        ("sequential", [{"root"}, {"left"}, {"right"}, {"leaf"}, {"twig"}]),
    ],
)
async def test_a_child_gets_what_its_parent_made_whatever_the_strategy(
    bench: Bench, tree: Tree, strategy: Any, order: list[set[str]] | None
) -> None:
    await tree.grow(TREE)
    async with bench.running():
        run = await tree.client.run_graph("root", {"path": ["in"]}, strategy=strategy)
        row = await tree.ended(run)
    paths = {
        "root": ["in", "root"],
        "left": ["in", "root", "left"],
        "right": ["in", "root", "right"],
        "leaf": ["in", "root", "left", "leaf"],
        "twig": ["in", "root", "left", "leaf", "twig"],
    }
    assert row["status"] == "completed"
    assert row["results"] == {
        str(tree.agents[name]): {"path": path} for name, path in paths.items()
    }
    assert tree.given["root"] == {"path": ["in"]}
    assert tree.given["leaf"] == {"path": paths["left"]}
    if order is not None:
        begun = iter(tree.begun)
        assert [{next(begun) for _ in level} for level in order] == order


@pytest.mark.parametrize(("strategy", "waits"), [("event", False), ("level", True)])
async def test_a_level_waits_for_the_whole_level_above_it(
    bench: Bench, tree: Tree, strategy: Any, waits: bool
) -> None:
    await tree.grow(TREE)
    tree.held["right"] = asyncio.Event()
    async with bench.running():
        run = await tree.client.run_graph("root", strategy=strategy)

        async def left_is_over() -> bool:
            nodes = await runs.nodes(bench.db, run)
            states = {node["agent_name"]: node["status"] for node in nodes}
            return states["left"] == "completed" and states["leaf"] != "waiting"

        await bench.until(left_is_over)
        states = {n["agent_name"]: n["status"] for n in await runs.nodes(bench.db, run)}
        assert states["right"] == "queued"
        assert (states["leaf"] == "ready") == waits
        tree.held["right"].set()
        assert (await tree.ended(run))["status"] == "completed"


@pytest.mark.slow
async def test_an_output_larger_than_an_input_may_be_is_passed_on(bench: Bench, tree: Tree) -> None:
    await tree.grow({"root": None, "leaf": "root"})
    dice = random.Random(1)
    noise = [dice.random() for _ in range(150_000)]

    async def large(ctx: Any) -> dict[str, Any]:
        return {"noise": noise}

    bench.registry.register(large)
    await tree.client.update_agent(tree.agents["root"], agent_type="large")
    async with bench.running():
        run = await tree.client.run_graph("root")
        assert (await tree.ended(run))["status"] == "completed"
    assert tree.given["leaf"] == {"noise": noise}


async def test_inactive_agents_are_left_out_with_what_is_below_them(
    bench: Bench, tree: Tree
) -> None:
    await tree.grow(TREE)
    await tree.client.update_agent(tree.agents["left"], is_active=False)
    run = await tree.client.run_graph("root")
    assert {n["agent_name"] for n in await runs.nodes(bench.db, run)} == {"root", "right"}
    with pytest.raises(ConflictError, match="the agent left is inactive"):
        await tree.client.run_graph("left")


async def test_what_cannot_be_run_is_refused(bench: Bench, tree: Tree) -> None:
    await tree.grow({"a": None, "b": "a", "c": "b"})
    await bench.db.execute(
        "UPDATE ai_agents SET parent_id = %s WHERE id = %s", (tree.agents["c"], tree.agents["a"])
    )
    with pytest.raises(CycleError) as cycle:
        await tree.client.run_graph("a")
    assert sorted(set(cycle.value.cycle)) == ["a", "b", "c"]
    assert cycle.value.cycle[0] == cycle.value.cycle[-1]
    with pytest.raises(NotFoundError):
        await tree.client.run_graph("nobody")
    with pytest.raises(InvalidInputError, match="there is no strategy 'levels'") as unknown:
        await tree.client.run_graph("a", strategy="levels")  # type: ignore[arg-type]
    assert unknown.value.hint == "Did you mean level?"
    with pytest.raises(InvalidInputError, match="max_parallel is 0"):
        await tree.client.run_graph("a", max_parallel=0)
    assert await bench.db.fetch_all("SELECT FROM stream_runs") == []


@pytest.mark.slow
async def test_no_more_of_a_run_is_on_at_once_than_it_may_have(table: Table) -> None:
    """The smallest max_parallel of its agents counts, and what the run itself was given."""
    nodes = [Node() for _ in range(10)]
    game = Game(table, nodes, random.Random(3))
    stream = await table.lay(nodes)
    await table.db.execute("UPDATE stream_agent_assignments SET max_parallel = 2 + execution_order")
    for given, wanted in ((None, 2), (1, 1), (5, 2)):
        query = "SELECT run_stream(%s, max_parallel => %s) AS id"
        game.run, game.max_parallel = await table.value(query, stream, given), wanted
        queued = [row for row in await game.rows() if row["status"] == "queued"]
        assert len(queued) == wanted
        await game.play()


@pytest.mark.parametrize("order", ["aabbabab", "abababab", "aaabbbab", "abaabbab"])
@pytest.mark.parametrize("pace", ["level", "max_parallel"])
async def test_ends_of_a_paced_run_that_do_not_see_each_other_start_what_is_next(
    table: Table, pace: str, order: str
) -> None:
    """Two agents that nothing joins but the pace end in two transactions: the second one sees the
    first, or neither starts the next level, and both take the room of both."""
    nodes = [Node(), Node(), Node((0,)), Node((1,)), Node((0,)), Node((1,))]
    game = Game(table, nodes, random.Random(1))
    await game.start(*(("level", None) if pace == "level" else ("event", 2)))
    left, right, _ = table.sessions
    tasks = (await Claimer(1).claim(left, 10)).tasks
    assert len(tasks) == 2

    def ends_with(task: Task) -> Step:
        end = settlement(task, ends.Done({}), backoff=Backoff(), max_retries=0)
        return lambda connection: write(connection, 1, [end])

    async def looks(connection: Connection) -> None:
        await connection.execute("SELECT count(*) FROM stream_run_nodes")

    steppers = {
        "a": Stepper(left, ends_with(tasks[0]), looks),
        "b": Stepper(right, ends_with(tasks[1]), looks),
    }
    async with asyncio.timeout(20):
        await interleave(table.db, steppers, order)
    queued = [row["place"] for row in await game.rows() if row["status"] == "queued"]
    assert len(queued) == (4 if pace == "level" else 2)
    await game.play()


async def test_an_end_in_a_paced_run_locks_the_run_before_its_nodes(table: Table) -> None:
    """Any end may start any node of it: who held nodes first could wait in a circle for others."""
    game = Game(table, [Node(), Node((0,))], random.Random(1))
    await game.start("level")
    left, right, holder = table.sessions
    (task,) = (await Claimer(1).claim(left, 1)).tasks
    end = settlement(task, ends.Done({}), backoff=Backoff(), max_retries=0)
    stepper = Stepper(left, lambda connection: write(connection, 1, [end]))
    async with asyncio.timeout(20), asyncio.TaskGroup() as group:
        async with holder.transaction():
            await holder.execute("SELECT FROM stream_runs FOR UPDATE")
            stepper.start_next(group)
            stepper.start_next(group)
            await stepper.done_or_blocked(table.db)
            assert (await right.execute(NODES, (game.run,))).rowcount == 2
        stepper.start_next(group)
    assert [row["status"] for row in await game.rows()] == ["completed", "queued"]


async def test_a_dead_letter_of_a_paced_run_locks_the_run_before_its_nodes(table: Table) -> None:
    game = Game(table, [Node(), Node((0,))], random.Random(1))
    await game.start("level")
    left, right, holder = table.sessions
    (task,) = (await Claimer(1).claim(left, 1)).tasks
    await write(left, 1, [settlement(task, ends.Fail("no"), backoff=Backoff(), max_retries=0)])
    requeue = {"ids": [task.id], "payload": None}
    stepper = Stepper(left, lambda connection: connection.execute(REQUEUE, requeue))
    async with asyncio.timeout(20), asyncio.TaskGroup() as group:
        async with holder.transaction():
            await holder.execute("SELECT FROM stream_runs FOR UPDATE")
            stepper.start_next(group)
            stepper.start_next(group)
            await stepper.done_or_blocked(table.db)
            assert (await right.execute(NODES, (game.run,))).rowcount == 2
        stepper.start_next(group)
    assert [row["status"] for row in await game.rows()] == ["queued", "waiting"]


async def test_sequential_goes_by_execution_order_where_the_graph_allows_it(table: Table) -> None:
    # 0 and 1 wait for 5; 2 waits for 0
    nodes = [Node(), Node((0,)), Node(), Node((1,)), Node((0, 2))]
    game = Game(table, nodes, random.Random(1))
    await game.start("sequential")
    await game.play()
    assert game.order == [0, 1, 2, 3, 4]
    orders = "UPDATE stream_agent_assignments SET execution_order = 10 - execution_order"
    await table.db.execute(orders)
    stream = "SELECT stream_id FROM stream_runs"
    query = f"SELECT run_stream(({stream}), strategy => 'sequential') AS id"
    game.run, game.order = await table.value(query), []
    await game.play()
    assert game.order == [2, 0, 4, 1, 3]


async def test_a_cancelled_run_starts_nothing_more(table: Table) -> None:
    game = Game(table, [Node(), Node((0,), on_failure="run"), Node((1,))], random.Random(1))
    await game.start()
    client = AsyncClient(table.db)
    (task,) = await client.cancel_run(game.run, "wrong goal")
    assert task["status"] == "pending"
    assert [row["status"] for row in await game.rows()] == ["cancelled"] * 3
    row = await runs.get_run(table.db, game.run)
    assert (row["status"], row["nodes_ended"]) == ("cancelled", 3)
    with pytest.raises(NotFoundError):
        await client.cancel_run(UUID(int=1))


@pytest.mark.parametrize("order", ["aaabbb", "aabbab", "abaabb", "bbaaba", "bbbaaa"])
async def test_what_starts_while_a_run_is_cancelled_is_cancelled_too(
    table: Table, order: str
) -> None:
    """An agent ends meanwhile: the task that this starts is one of the run as well."""
    game = Game(table, [Node(), Node((0,)), Node((1,))], random.Random(1))
    await game.start()
    left, right, _ = table.sessions
    (task,) = (await Claimer(1).claim(left, 1)).tasks
    end = settlement(task, ends.Done({}), backoff=Backoff(), max_retries=0)

    async def cancel(connection: Connection) -> None:
        await connection.execute("SELECT cancel_run(%s)", (game.run,))

    steppers = {
        "a": Stepper(left, lambda connection: write(connection, 1, [end])),
        "b": Stepper(right, cancel),
    }
    async with asyncio.timeout(20):
        await interleave(table.db, steppers, order)
    first, *others = [row["status"] for row in await game.rows()]
    assert first in ("completed", "cancelled")
    assert others == ["cancelled"] * 2
    assert await table.value("SELECT count(*) FROM agent_tasks WHERE status = 'pending'") == 0


@pytest.mark.parametrize("act", ["cancel", "requeue"])
async def test_children_are_locked_before_the_nodes_of_their_run(table: Table, act: str) -> None:
    """As every task: whoever ends a child may wait for the nodes of what ends with it."""
    game = Game(table, [Node(), Node((0,))], random.Random(1))
    await game.start()
    left, right, holder = table.sessions
    query: Any = "SELECT cancel_run(%s)"
    params: Any = (game.run,)
    if act == "requeue":
        (task,) = (await Claimer(1).claim(left, 1)).tasks
        await write(left, 1, [settlement(task, ends.Fail("no"), backoff=Backoff(), max_retries=0)])
        query, params = REQUEUE, {"ids": [task.id], "payload": None}
    status = "pending" if act == "cancel" else "failed"
    child = await table.value(CHILD, status, status)
    stepper = Stepper(left, lambda connection: connection.execute(query, params))
    async with asyncio.timeout(20), asyncio.TaskGroup() as group:
        async with holder.transaction():
            await holder.execute("SELECT FROM agent_tasks WHERE id = %s FOR UPDATE", (child,))
            stepper.start_next(group)
            stepper.start_next(group)
            await stepper.done_or_blocked(table.db)
            assert (await right.execute(NODES, (game.run,))).rowcount == 2
        stepper.start_next(group)
    changed = "SELECT count(*) FROM agent_tasks WHERE status = %s"
    assert await table.value(changed, "cancelled" if act == "cancel" else "pending") == 2


async def test_an_agent_is_cancelled_with_all_that_is_below_it(table: Table) -> None:
    nodes = [Node(), Node((0,)), Node((0,)), Node((1,), on_failure="run"), Node((2,))]
    game = Game(table, nodes, random.Random(1))
    await game.start()
    await AsyncClient(table.db).cancel_run(game.run, agent=table.agents[1])
    await game.play()
    states = [row["status"] for row in await game.rows()]
    assert states == ["completed", "cancelled", "completed", "cancelled", "completed"]
    assert (await runs.get_run(table.db, game.run))["status"] == "cancelled"


async def test_a_run_is_done_again_from_an_agent_on(table: Table) -> None:
    nodes = [Node(output=5), Node((0,)), Node((0,), end="failed"), Node((1,)), Node((1, 2))]
    game = Game(table, nodes, random.Random(1))
    await game.start()
    client = AsyncClient(table.db)
    with pytest.raises(ConflictError, match="is still on"):
        await client.rerun_run(game.run)
    await game.play()
    old = game.run
    game.nodes[2] = Node((0,))
    game.order, game.run = [], await client.rerun_run(old, table.agents[3])
    await game.play()
    assert sorted(game.order) == [2, 3, 4]  # what did not complete runs again, too
    row = await runs.get_run(table.db, game.run)
    assert (row["status"], row["rerun_of"], row["nodes"]) == ("completed", old, 5)
    found = await runs.results(table.db, game.run)
    assert found[str(table.agents[0])] == {"n": 5}
    assert len(found) == 5
    game.order, game.run = [], await client.rerun_run(game.run)
    await game.play()
    assert sorted(game.order) == [0, 1, 2, 3, 4]
    with pytest.raises(NotFoundError, match="is not in run"):
        await client.rerun_run(old, table.agents[9])


async def thousand(db: Database, graph: str) -> UUID:
    """A stream of 1,000 agents; `graph` gives the places that each depends on, by n."""
    query = f"""
        WITH s AS (INSERT INTO streams (name) VALUES ('s') RETURNING id),
        a AS (INSERT INTO ai_agents (name, agent_type)
              SELECT n, 'member' FROM generate_series(0, 999) n RETURNING id, name::integer AS n),
        x AS (INSERT INTO stream_agent_assignments (stream_id, agent_id, depends_on_agent_ids)
              SELECT s.id, a.id, ARRAY(SELECT b.id FROM a b WHERE {graph}) FROM s, a)
        SELECT id FROM s
    """
    row = await db.fetch_one(query)  # type: ignore[arg-type]
    assert row is not None
    stream: UUID = row["id"]
    return stream


SHAPES = {
    "a chain": ("b.n = a.n - 1", 999),
    "two layers": ("a.n >= 968 AND b.n < 968", 1),
    "a ladder": ("b.n BETWEEN a.n - 3 AND a.n - 1", 999),
}


@pytest.mark.slow
@pytest.mark.parametrize("shape", SHAPES)
async def test_a_run_of_a_thousand_agents_is_opened(db: Database, shape: str) -> None:
    edges, deepest = SHAPES[shape]
    stream = await thousand(db, edges)
    async with asyncio.timeout(20):
        await db.execute("SELECT run_stream(%s)", (stream,))
    row = await db.fetch_one("SELECT max(level) AS level, count(*) AS n FROM stream_run_nodes")
    assert row == {"level": deepest, "n": 1000}
    await db.execute(
        "UPDATE stream_agent_assignments x SET depends_on_agent_ids = ARRAY[l.id] FROM ai_agents f,"
        " ai_agents l WHERE f.name = '0' AND l.name = '999' AND x.agent_id = f.id"
    )
    client = AsyncClient(db)
    with pytest.raises(CycleError):
        await client.run_stream(stream)


async def test_five_hundred_that_finish_at_once_start_what_waits_for_them_once(
    db: Database,
) -> None:
    stream = await thousand(db, "a.n = 999 AND b.n < 500")
    await db.execute(
        "DELETE FROM stream_agent_assignments x USING ai_agents a"
        " WHERE a.id = x.agent_id AND a.name::integer BETWEEN 500 AND 998"
    )
    run = (await db.fetch_all("SELECT run_stream(%s) AS id", (stream,)))[0]["id"]
    first = "SELECT agent_id FROM stream_run_nodes WHERE run_id = %s AND status = 'queued'"
    agents = [row["agent_id"] for row in await db.fetch_all(first, (run,))]
    assert len(agents) == 500
    random.Random(2).shuffle(agents)

    async def finish(connection: Connection, some: list[UUID]) -> None:
        for place in range(0, len(some), 10):
            async with connection.transaction():
                await chain.after(
                    connection,
                    [
                        chain.Settled(run, one, "completed", None)
                        for one in some[place : place + 10]
                    ],
                )

    async with asyncio.TaskGroup() as group:
        for part in range(5):
            group.create_task(_with(db, finish, agents[part::5]))
    last = await db.fetch_all(
        "SELECT n.status, n.open_dependencies, count(t.id) AS tasks FROM stream_run_nodes n"
        " LEFT JOIN agent_tasks t ON t.run_id = n.run_id AND t.agent_id = n.agent_id"
        " WHERE n.run_id = %s AND n.level = 1 GROUP BY 1, 2",
        (run,),
    )
    assert last == [{"status": "queued", "open_dependencies": 0, "tasks": 1}]


async def _with(db: Database, act: Any, some: list[UUID]) -> None:
    async with session(db) as connection:
        await act(connection, some)
