"""Does each thing with bodies elsewhere for real and on the model, and compares the answers."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from oppspot_runner.backends import crossing
from oppspot_runner.backends.backend import Result
from oppspot_runner.base import outcome as ends
from oppspot_runner.base.outcome import Outcome
from oppspot_runner.base.task import Task
from oppspot_runner.db.pool import Connection
from oppspot_runner.queue import handoffs, store
from oppspot_runner.queue.handoffs import Adopted
from oppspot_runner.queue.members import Membership
from tests.queue.both import START, Both
from tests.queue.crew import Runner
from tests.queue.handoff_model import HandoffModel
from tests.queue.real import RealQueue

TICKET = {"time_limit_s": 60.0}
HANDOFFS = """
    SELECT handle, task_id || companions AS tasks, run_token || companion_tokens AS tokens, backend,
           runner_id AS runner, started_at AS begun_at, worker, beat_at, result -> 'n' AS result
    FROM task_handoffs
"""
OUTPUTS = """
    SELECT e.task_id, e.attempt, e.output_data
    FROM agent_executions e JOIN agent_tasks t ON t.id = e.task_id WHERE e.output_data IS NOT NULL
"""
LEFT_OVER = """
    SELECT FROM task_handoffs h WHERE NOT EXISTS (
        SELECT FROM agent_tasks t
        WHERE t.id = ANY (h.task_id || h.companions) AND t.status = 'processing')
"""
SAME = ("backend", "runner", "begun_at", "worker", "beat_at", "result")


@dataclass
class Wait:
    """Somebody who waits for a body: `place` is that of the task in its batch, `seen` what the row
    said when it looked last."""

    one: int
    member: Membership
    task: Task
    handle: UUID
    place: int | None
    seen: Result | None = None


@dataclass(frozen=True)
class Looked:
    """What a look of a runner did for all."""

    saved: set[tuple[UUID, str]]
    swept: int
    adopted: list[Adopted]


async def look(connection: Connection, runner: int, backends: Sequence[str]) -> Looked:
    """As maintenance does."""
    saved, _ = await store.rescue(connection, runner)
    swept, adopted = 0, list[Adopted]()
    if backends:
        swept = await handoffs.sweep(connection)
        adopted = await handoffs.adopt(connection, runner, backends)
    return Looked({(one.id, one.status) for one in saved}, swept, adopted)


class BothHandoffs(Both):
    """The queue with bodies elsewhere. All runners have the one backend, one has another."""

    backends = (("celery",), ("celery", "ray"), ("celery",))
    model: HandoffModel

    def __init__(self, loop: asyncio.Runner, real: RealQueue) -> None:
        self.waits: list[Wait] = []
        self.members: dict[int, Membership] = {}  # of attempts, by their tokens
        self.handed: set[int] = set()  # tokens
        self.handles: list[UUID] = []
        self.taken: dict[UUID, handoffs.Taken] = {}
        self.runs: dict[int, set[int]] = {}  # what runners know that they run
        self.settled: set[int] = set()
        self.numbers: dict[tuple[UUID, int], int] = {}  # the token of an attempt with a body
        self.outputs: dict[tuple[UUID, int], Any] = {}
        super().__init__(loop, real)

    def new_model(self) -> HandoffModel:
        return HandoffModel(START)

    def join(self, one: int) -> tuple[Membership, Runner]:
        member, runner = super().join(one)
        self.model.backends[member.id] = self.backends[one]
        self.runs[member.id] = set()
        return member, runner

    def claim(self, one: int, limit: int) -> None:
        before = len(self.attempts)
        super().claim(one, limit)
        for _, task in self.attempts[before:]:
            self.members[task.run_token] = self.crew[one][0]
            self.runs[self.crew[one][0].id].add(task.run_token)

    def unknown(self, one: int) -> set[int]:
        member = self.crew[one][0].id
        held = {row.token for row in self.model.rows.values() if row.runner == member}
        return {token for token in held if token is not None} - self.runs[member]

    # The runner that waits.

    def put(self, handle: UUID, attempts: Sequence[tuple[int, Task]], backend: str) -> None:
        """A batch when there are several; all of one runner."""
        tasks = [task for _, task in attempts]
        one, first = attempts[0]
        member = self.members[first.run_token]
        written = self.do(self._put(one, handle, tasks, backend, member.id))
        tokens = {task.id: task.run_token for task in tasks}
        assert written == self.model.put(member.id, handle, tokens, backend)
        self.handed |= set(tokens.values())
        if written:
            self.handles.append(handle)
            for place, task in enumerate(tasks):
                number = (task.id, task.attempt)
                assert self.numbers.setdefault(number, task.run_token) == task.run_token, (
                    f"the bodies of two attempts have the number {task.attempt}"
                )
                wait = Wait(one, member, task, handle, place if len(tasks) > 1 else None)
                self.waits.append(wait)

    async def _put(
        self, one: int, handle: UUID, tasks: Sequence[Task], backend: str, runner: int
    ) -> bool:
        return await handoffs.put(
            await self.real.at(one),
            handle,
            tasks,
            backend=backend,
            runner_id=runner,
            ticket=TICKET,
        )

    def see(self, wait: Wait) -> None:
        """Looks at the row."""
        rows = self.do(self._on(wait.one, handoffs.read, [wait.handle]))
        body = self.model.bodies.get(wait.handle)
        assert [row.handle for row in rows] == ([body.handle] if body else [])
        if body is not None and body.result is not None:
            assert rows[0].result is not None
            result = crossing.from_json(rows[0].result)
            wait.seen = result if wait.place is None else result.part(wait.place)

    async def _on(self, number: int, function: Any, *args: Any) -> Any:
        return await function(await self.real.at(number), *args)

    def settle(self, wait: Wait, outcome: Outcome) -> None:
        """The end of its attempt, as its body said or somebody else."""
        task, runner = wait.task, wait.member.id
        written = self.do(self.real.finish(wait.one, wait.member, [(task, outcome)]))
        attempt = self.model.rows[task.id].attempt if task.id in self.model.rows else 0
        assert bool(written) == self.model.finish(runner, task.id, task.run_token, outcome)
        self.runs[runner].discard(task.run_token)
        if not written:
            return
        assert task.run_token not in self.settled, "an attempt settled twice"
        self.settled.add(task.run_token)
        if isinstance(outcome, ends.Done):
            assert outcome.output["of"] == task.run_token, "what another body returned was settled"
            self.outputs[task.id, attempt] = outcome.output

    def drop(self, wait: Wait) -> None:
        dropped = self.do(self._on(wait.one, handoffs.drop, wait.handle, wait.member.id))
        assert dropped == self.model.drop(wait.member.id, wait.handle)

    def leave_bodies(self, one: int) -> None:
        """A runner that stops. It lives on for a while, and may be settling an end."""
        member = self.crew[one][0].id
        left = self.do(self.real.on(one, handoffs.leave, member))
        assert left == self.model.leave_bodies(member)
        self.runs[member] -= left

    def give_back_unknown(self, one: int) -> None:
        """As after two heartbeats that told of tasks which nobody here runs."""
        _, runner = self.crew[one]
        unknown = sorted(self.unknown(one))
        given = self.do(self.real.on(one, store.give_back, runner.id, unknown))
        assert given == self.model.give_back(runner, unknown)

    # The worker.

    def take(self, handle: UUID, worker: str) -> None:
        taken = self.do(self._on(-1, handoffs.take, handle, worker))
        body = self.model.take(handle, worker)
        assert (taken is None) == (body is None)
        if taken is not None and body is not None:
            tasks = {task.id: task.run_token for task in taken.tasks}
            assert tasks == {row.id: row.token for row in self.model.wanted(body)}
            assert (taken.ticket, taken.runner_id) == (TICKET, body.runner)
            self.taken[handle] = taken

    def beat_body(self, handle: UUID) -> None:
        assert self.do(self._on(-1, handoffs.beat, handle)) == self.model.beat_body(handle)

    def end(self, handle: UUID, number: int, kind: str) -> None:
        """The body that was taken ends, or says again how it ended."""
        taken = self.taken[handle]
        outcomes = [outcome(kind, task.run_token, number) for task in taken.tasks]
        is_batch = any(wait.handle == handle and wait.place is not None for wait in self.waits)
        result = Result(ends.Done(), each=tuple(outcomes)) if is_batch else Result(outcomes[0])
        result, counted = crossing.as_whole_batch(taken, result, [{}] * len(outcomes))
        written = {**crossing.to_json(result, counted), "n": number}
        ended = self.do(self._on(-1, handoffs.end, handle, written))
        assert ended == self.model.end(handle, number)

    # Any runner, for all.

    def look(self, one: int, *, told: bool) -> None:
        """Rescue, sweep, adoption. Not `told`: the answer gets lost on its way."""
        member, runner = self.crew[one]
        looked = self.do(self.real.on(one, look, member.id, self.backends[one]))
        assert looked.saved == self.model.rescue(runner)
        assert looked.swept == (self.model.sweep(everywhere=False) if self.backends[one] else 0)
        expected = self.model.adopt(member.id)
        got = {found.handle: (found.task.id, found.task.run_token) for found in looked.adopted}
        assert got == {handle: (row.id, row.token) for handle, row in expected.items()}
        assert not {task for task, _ in looked.saved} & {task for task, _ in got.values()}
        for found in looked.adopted if told else ():
            assert found.task.attempt == self.model.rows[found.task.id].attempt
            self.attempts.append((one, found.task))
            self.runs[member.id].add(found.task.run_token)
            self.waits.append(Wait(one, member, found.task, found.handle, None))

    def prune(self, one: int) -> None:
        """After it nothing is left of what has ended."""
        super().prune(one)
        assert self.do(self.real.on(-1, handoffs.prune)) == self.model.sweep(everywhere=True)
        assert not self.do(self.real.sql(LEFT_OVER))

    # Both must agree on everything.

    def compare(self) -> None:
        super().compare()
        rows, outputs = self.do(self.real.sql(HANDOFFS)), self.do(self.real.sql(OUTPUTS))
        told = {row["handle"]: row for row in rows}
        assert told.keys() == self.model.bodies.keys()
        for handle, body in self.model.bodies.items():
            row = told[handle]
            assert dict(zip(row["tasks"], row["tokens"], strict=True)) == body.attempts
            assert {name: row[name] for name in SAME} == {
                name: getattr(body, name) for name in SAME
            }
        kept = {key: output for key, output in self.outputs.items() if key[0] in self.model.rows}
        assert {(row["task_id"], row["attempt"]): row["output_data"] for row in outputs} == kept


def outcome(kind: str, token: int, number: int) -> Outcome:
    """How a body ended, by a text that nobody else writes."""
    told = {"of": token, "n": number}
    made: dict[str, Outcome] = {
        "done": ends.Done(told),
        "broken": ends.Retry(f"broken {told}", after_s=0.5),
        "failed": ends.Fail(f"failed {told}"),
        "later": ends.Snooze("later", after_s=1.0),
    }
    return made[kind]
