"""What an attempt writes about itself while it runs: progress, finished steps, events, fenced.

A database that is away is waited for: the work of a step was done, and no agent is at fault.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import psycopg
from psycopg.rows import DictRow

from oppspot_runner.base.errors import Fail, LeaseLostError
from oppspot_runner.base.jsonsafe import clean, clean_text, dumps
from oppspot_runner.base.steps import KeptStep, Step
from oppspot_runner.base.task import Task
from oppspot_runner.base.waiting import Awaited
from oppspot_runner.db.files import statement
from oppspot_runner.db.pool import Database
from oppspot_runner.db.through import Through
from oppspot_runner.queue.attempt_events import AttemptEvents, Tell
from oppspot_runner.queue.event_writer import EventWriter
from oppspot_runner.queue.settlement import Metrics

PROGRESS = statement("queue/progress")
STEPS = statement("queue/steps")
SAVE_STEP = statement("queue/save_step")
WAIT_FOR_TIME = statement("queue/wait_for_time")
WAIT_FOR_EVENT = statement("queue/wait_for_event")
SPAWN = statement("queue/spawn")
CHILDREN = statement("queue/children")
DEPTH = statement("queue/depth")

PROGRESS_EVERY_S = 0.25  # nobody reads faster, and each write is a row version
MOST_STEP_NAME = 200


class TaskJournal:
    """The journal of one attempt. Every write raises LeaseLostError when the task is not ours.

    `writer` takes the events of tasks that belong to a run. The agent's code runs inside of
    `async with`: at its end all that it told is written.
    """

    def __init__(
        self,
        database: Database,
        task: Task,
        *,
        through: Through,
        writer: EventWriter | None = None,
    ) -> None:
        self.database = database
        self.task = task
        self.through = through
        self.saved_steps = 0
        self.tool_calls = 0
        self.spent: Metrics = {}  # on models, where any was asked
        self.variant: str | None = None
        self.traceparent: str | None = None  # of the attempt's span, where there are traces
        self._progress_at = float("-inf")
        self._events: AttemptEvents | None = None
        if writer is not None and task.is_for_stream:
            self._events = AttemptEvents(writer, task)

    async def __aenter__(self) -> None:
        """Tells that the attempt runs."""
        await self.emit("status", {"status": "running"})

    async def __aexit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """Writes what was told, unless something was raised."""
        try:
            if kind is None:
                await self.flush()
        finally:
            self.close()

    async def flush(self) -> None:
        """Returns when all that was told is written."""
        if self._events is not None:
            await self._events.flush()

    def close(self) -> None:
        """What is told from now on is told to nobody."""
        if self._events is not None:
            self._events.close()

    def metrics(self) -> Metrics:
        """What the attempt has done so far, in numbers, and the variant of its agent."""
        variant: Metrics = {} if self.variant is None else {"variant": self.variant}
        return {"steps": self.saved_steps, "tool_calls": self.tool_calls, **self.spent, **variant}

    def count(self, *counted: Metrics) -> None:
        """Adds what other journals of the attempt counted, where its body ran."""
        for other in counted:
            spent = {name: value for name, value in other.items() if name != "variant"}
            self.saved_steps += int(spent.pop("steps", None) or 0)
            self.tool_calls += int(spent.pop("tool_calls", None) or 0)
            self.spent = {**self.spent, **spent}

    @property
    def tell(self) -> Tell | None:
        """Tells a line of the log to those who follow the run; None where there is none."""
        return None if self._events is None else self._events.log

    async def progress(self, done: float, total: float | None, message: str | None) -> None:
        """Shows `done` of `total`; more than four calls a second are thinned out."""
        now = time.monotonic()
        if now - self._progress_at < PROGRESS_EVERY_S and done != total:
            return
        self._progress_at = now
        shown = {
            "done": clean(done),
            "total": clean(total),
            "message": None if message is None else clean_text(message, most=500),
        }
        await self.fenced(PROGRESS, {"progress": dumps(shown)})
        await self.emit("progress", shown)

    async def emit(self, kind: str, data: Mapping[str, Any]) -> None:
        """Tells those who follow the task's run, if it belongs to one."""
        if self._events is not None:
            await self._events.emit(kind, data)

    async def steps(self) -> list[KeptStep]:
        """Finished steps of earlier attempts."""
        which = {"task_id": self.task.id}
        rows = await self.through(lambda: self.database.fetch_all(STEPS, which))
        return [KeptStep(_step(row), row["result"]) for row in rows]

    async def remember(self, step: Step, result: Any) -> None:
        """Stores the result of a finished step for later attempts."""
        await self.fenced(SAVE_STEP, {**step_columns(step), "result": dumps(result)})
        self.saved_steps += 1

    async def wait_for_time(
        self, step: str, seq: int, until: datetime | None, after_s: float | None
    ) -> Awaited:
        """Whether the time has come; else the task waits for it from the end of this attempt on."""
        when = {"until": until, "after_s": after_s}
        return _awaited(await self.fenced(WAIT_FOR_TIME, {"step": step, "seq": seq, **when}))

    async def wait_for_event(
        self, name: str, step: str, seq: int, timeout_s: float | None
    ) -> Awaited:
        """Takes a signal of the task's run, or waits for one from the end of this attempt on.

        Raises Fail for a task that belongs to no run.
        """
        what = {"name": name, "step": step, "deadline_step": f"deadline of {step}", "seq": seq}
        row = await self.fenced(WAIT_FOR_EVENT, {**what, "timeout_s": timeout_s})
        if row["over"] is None:
            raise Fail(
                f"the agent waits for the event {name!r}, but its task belongs to no run, and"
                " signals are sent to runs: start it with a stream"
            )
        return _awaited(row)

    async def spawn(self, agent: str, step: str, seq: int, payloads: str) -> Awaited:
        """Makes a child of each of a JSON array of payloads, unless it did, and waits for them.

        The result are rows of queue/children. Raises Fail when there is no such agent.
        """
        what = {"agent": agent, "step": step, "seq": seq, "payloads": payloads}
        what["traceparent"] = self.traceparent
        try:
            row = await self.fenced(SPAWN, what)
        except (psycopg.errors.NoDataFound, psycopg.errors.TooManyRows) as error:
            raise Fail(f"{error.diag.message_primary}. {error.diag.message_hint}") from None
        if not row["over"]:
            # The last one may have ended before we said that we wait.
            row = await self.fenced(SPAWN, what)
        if not row["over"]:
            return _awaited(row)
        range_of_ids = row["result"]
        found = await self.through(lambda: self.database.fetch_all(CHILDREN, range_of_ids))
        return Awaited(over=True, result=found)

    async def depth(self) -> int:
        """How many tasks wait for each other above this one, itself counted."""
        which = {"task_id": self.task.id}
        row = await self.through(lambda: self.database.fetch_one(DEPTH, which))
        return row["depth"] or 1 if row else 1

    async def fenced(self, query: Any, params: dict[str, Any]) -> DictRow:
        """The row that `query` answers, which names our token; raises LeaseLostError for none."""
        fence = {"task_id": self.task.id, "run_token": self.task.run_token}
        row = await self.through(lambda: self.database.fetch_one(query, {**params, **fence}))
        if row is None:
            raise LeaseLostError(f"task {self.task.id} is no longer this attempt's")
        return row


def step_columns(step: Step) -> dict[str, Any]:
    """A step as parameters of a statement that keeps it."""
    return {**vars(step), "name": clean_text(step.name, most=MOST_STEP_NAME)}


def _step(row: DictRow) -> Step:
    return Step(row["name"], row["seq"], row["position"], row["fingerprint"])


def _awaited(row: DictRow) -> Awaited:
    return Awaited(row["over"], row["result"], row["due_at"])
