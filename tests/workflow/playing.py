"""Graphs of `evaluator` as rows, brought to their ends by sessions that get in each other's way."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from contextlib import AsyncExitStack
from typing import Any, Self
from uuid import UUID

from oppspot_runner.base import outcome as ends
from oppspot_runner.base.backoff import Backoff
from oppspot_runner.base.outcome import Outcome
from oppspot_runner.base.task import Task
from oppspot_runner.db.pool import Connection, Database
from oppspot_runner.queue.claiming import Claimer
from oppspot_runner.queue.settlement import settlement
from oppspot_runner.runner.settler import write
from oppspot_runner.workflow import chain
from tests.stepping import Step, Stepper, interleave, session
from tests.workflow.evaluator import CANCELLED, COMPLETED, FAILED, Node

MOST_NODES = 40
AGENTS = """
    INSERT INTO ai_agents (name, agent_type) SELECT n, 'member' FROM generate_series(0, %s) n
    RETURNING id
"""
ASSIGN = """
    INSERT INTO stream_agent_assignments (stream_id, agent_id, execution_order,
        depends_on_agent_ids, condition, on_failure, requires_approval, approval_timeout)
    SELECT %s, a.agent_id, a.place, a.needs, a.condition, a.on_failure, a.approval, a.patience
    FROM jsonb_to_recordset(%s) AS a (agent_id uuid, place integer, needs uuid[],
        condition jsonpath, on_failure text, approval boolean, patience interval)
"""
NODES = """
    SELECT a.name::integer AS place, n.agent_id, n.status, n.level, n.task_id, n.open_dependencies,
           t.status AS task_status,
           (SELECT count(*) FROM agent_tasks x
            WHERE x.run_id = n.run_id AND x.agent_id = n.agent_id) AS tasks
    FROM stream_run_nodes n JOIN ai_agents a ON a.id = n.agent_id
    LEFT JOIN agent_tasks t ON t.id = n.task_id
    WHERE n.run_id = %s ORDER BY 1
"""
# What a game that failed has left.
CLEAR = "DELETE FROM stream_runs; DELETE FROM agent_tasks; DELETE FROM stream_agent_assignments"
OPEN = ("waiting", "awaiting_approval", "ready", "queued")
ROUNDS = 400


class Table:
    """Where graphs are played: agents called by numbers, and three sessions."""

    def __init__(self, db: Database) -> None:
        self.db = db
        self.agents: list[UUID] = []
        self._stack = AsyncExitStack()
        self.sessions: list[Connection] = []

    async def __aenter__(self) -> Self:
        rows = await self.db.fetch_all(AGENTS, (MOST_NODES - 1,))
        self.agents = [row["id"] for row in rows]
        self.sessions = [await self._stack.enter_async_context(session(self.db)) for _ in range(3)]
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    async def lay(self, nodes: Sequence[Node]) -> UUID:
        """A stream whose assignments are that graph."""
        await self.db.execute(CLEAR)
        row = await self.db.fetch_one("INSERT INTO streams (name) VALUES ('s') RETURNING id")
        assert row is not None
        rows = [
            {
                "agent_id": str(self.agents[place]),
                "place": place,
                "needs": [str(self.agents[one]) for one in node.needs],
                "condition": None if node.more_than is None else f"$.output.n > {node.more_than}",
                "on_failure": node.on_failure,
                "approval": node.approval is not None,
                "patience": "1 microsecond" if node.approval == "late" else None,
            }
            for place, node in enumerate(nodes)
        ]
        await self.db.execute(ASSIGN, (row["id"], json.dumps(rows)))
        stream: UUID = row["id"]
        return stream

    async def value(self, query: Any, *params: Any) -> Any:
        row = await self.db.fetch_one(query, params)
        assert row is not None
        return next(iter(row.values()))


class Game:
    """One run of a graph."""

    def __init__(self, table: Table, nodes: Sequence[Node], dice: random.Random) -> None:
        self.table, self.nodes, self.dice = table, list(nodes), dice
        self.strategy = "event"
        self.max_parallel: int | None = None
        self.run: UUID
        self.order: list[int] = []  # in which the tasks were begun

    async def start(self, strategy: str = "event", max_parallel: int | None = None) -> None:
        self.strategy, self.max_parallel = strategy, max_parallel
        stream = await self.table.lay(self.nodes)
        start = "SELECT run_stream(%s, strategy => %s, max_parallel => %s) AS id"
        self.run = await self.table.value(start, stream, strategy, max_parallel)

    async def rows(self) -> list[dict[str, Any]]:
        return await self.table.db.fetch_all(NODES, (self.run,))

    async def play(self, rounds: int | None = None) -> None:
        """Until nothing is open, or so many rounds; the pace is then always what it should be."""
        for _ in range(ROUNDS if rounds is None else rounds):
            rows = await self.rows()
            if not any(row["status"] in OPEN for row in rows):
                return
            self._look(rows)
            await self._round(self._gate(rows))
        assert rounds is not None, f"it does not come to an end: {await self.rows()}"

    def _look(self, rows: Sequence[dict[str, Any]]) -> None:
        is_open = [row for row in rows if row["status"] in OPEN]
        queued = [row for row in is_open if row["status"] == "queued"]
        if self.max_parallel is not None:
            assert len(queued) <= self.max_parallel
        if self.strategy != "event":
            least = min(row["level"] for row in is_open)
            assert {row["level"] for row in queued} <= {least}
        assert all(row["tasks"] <= 1 for row in rows), "something was started twice"

    async def cancel(self) -> None:
        """Cancels the run while tasks of it end."""

        async def step(connection: Connection) -> None:
            await connection.execute("SELECT cancel_run(%s)", (self.run,))

        await self._round(step)

    async def _round(self, beside: Step) -> None:
        left, right, gate = self.table.sessions
        some = self.dice.randint(1, 6)
        tasks = (await Claimer(1).claim(left, some)).tasks
        self.order += [place_of(task) for task in tasks if task.retry_count == 0]
        self.dice.shuffle(tasks)
        cut = self.dice.randint(0, len(tasks))
        steppers = {
            "left": Stepper(left, self._ends(tasks[:cut])),
            "right": Stepper(right, self._ends(tasks[cut:])),
            "gate": Stepper(gate, beside),
        }
        order = [name for name in steppers for _ in range(3)]
        self.dice.shuffle(order)
        await interleave(self.table.db, steppers, order)

    def _ends(self, tasks: Sequence[Task]) -> Step:
        settlements = [
            settlement(task, self._outcome(task), backoff=Backoff(), max_retries=100)
            for task in tasks
        ]

        async def step(connection: Connection) -> None:
            assert len((await write(connection, 1, settlements)).ids) == len(settlements)

        return step

    def _outcome(self, task: Task) -> Outcome:
        node = self.nodes[place_of(task)]
        if task.retry_count < node.retries:
            return ends.Retry("again", after_s=0)
        match node.end:
            case "completed":
                return ends.Done({"n": node.output})
            case "failed":
                return ends.Fail("no")
            case _:
                return ends.Cancel("not wanted")

    def _gate(self, rows: Sequence[dict[str, Any]]) -> Step:
        waiting = [
            row["agent_id"]
            for row in rows
            if row["status"] == "awaiting_approval" and self.nodes[row["place"]].approval == "given"
        ]
        chosen = self.dice.choice(waiting) if waiting and self.dice.random() < 0.7 else None

        async def step(connection: Connection) -> None:
            if chosen is None:
                await chain.expire_approvals(connection)
            else:
                await connection.execute("SELECT approve_run(%s, %s)", (self.run, chosen))

        return step

    async def retry_all(self) -> dict[int, str]:
        """Starts again what failed or was cancelled with a task; the states of what has run.

        Who starts something by hand does not ask for the pace of its run.
        """
        self.strategy, self.max_parallel = "event", None
        rows = await self.rows()
        again = [row for row in rows if row["task_status"] in (FAILED, CANCELLED)]
        self.dice.shuffle(again)
        for row in again:
            await self.table.db.execute("SELECT retry_task(%s)", (row["task_id"],))
        return {row["place"]: COMPLETED for row in rows if row["status"] == COMPLETED}


def place_of(task: Task) -> int:
    assert task.agent is not None
    return int(task.agent.name or 0)
