"""Records of calls of tools; and marks of those that must not be made twice."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

from oppspot_runner.base.codes import Code
from oppspot_runner.base.events import Tell, ToolCalled, tell_nobody
from oppspot_runner.base.jsonsafe import clean, clean_text, cut_to_size, dumps
from oppspot_runner.base.payload import plain_text
from oppspot_runner.base.steps import Step
from oppspot_runner.base.tool_use import BegunCall, ToolUse
from oppspot_runner.db.files import statement
from oppspot_runner.db.operation import Call, Operation
from oppspot_runner.db.pool import Connection, Database
from oppspot_runner.db.through import Through, at_once
from oppspot_runner.queue.journal import TaskJournal, step_columns

RECORD = statement("tools/record")
BEGIN = statement("tools/begin")
END = statement("tools/end")
RELEASE = statement("tools/release")
RENEW = statement("tools/renew")
SETTLE = statement("tools/settle")
PRUNE_CALLS = statement("tools/prune_calls")
PRUNE_RATES = statement("tools/prune_rates")

MOST_ARGUMENTS = 16 * 1024  # bytes of them that are recorded
MOST_NAME = 200
MOST_STEP = 300
UNKNOWN = "unknown"
OF_A_TASK = ("task_id", "attempt", "name", "seq", "agent_id")


@dataclass(frozen=True)
class CallRecords:
    """Records calls that belong to no task."""

    database: Database
    through: Through = at_once

    async def record(self, use: ToolUse) -> None:
        """Writes one call that has ended."""
        whom = {"org_id": use.organization_id, "user_id": use.user_id}
        row = {"id": uuid4(), **dict.fromkeys(OF_A_TASK), **_what(use), **whom}
        await self.through(lambda: self.database.execute(RECORD, row))


@dataclass(frozen=True)
class TaskCallRecords:
    """Records the calls of one attempt, each with the step that remembers its answer.

    `begin` and `end` raise LeaseLostError when the task is no longer the attempt's. `tell` hears of
    each call.
    """

    journal: TaskJournal
    tell: Tell = tell_nobody

    async def begin(self, tool_name: str, arguments: Any, step: Step, key: str) -> BegunCall:
        """Marks that a call begins under `key`; or gives the mark of an earlier attempt."""
        row = {
            **self._whose(step),
            "id": uuid4(),
            "key": key,
            "tool": clean_text(tool_name, most=MOST_NAME),
            "arguments": _shown(arguments),
        }
        return BegunCall(**await self.journal.fenced(BEGIN, row))

    async def renew(self, begun: BegunCall) -> BegunCall:
        """The mark of an earlier attempt, as one of this attempt, which makes the call again."""
        return BegunCall(**await self.journal.fenced(RENEW, {"id": begun.id}))

    async def end(
        self, use: ToolUse, step: Step, answer: dict[str, Any], *, call_id: UUID | None = None
    ) -> None:
        """Remembers the answer and records the call, at once; `call_id` is that of its mark.

        Also a call whose answer the task cannot take any more is recorded.
        """
        self._tell(use)
        row = {**self._whose(step), **_what(use), "id": call_id or uuid4()}
        await self.journal.fenced(END, {**row, "result": dumps(clean(answer))})
        self.journal.saved_steps += 1
        self.journal.tool_calls += 1

    async def unanswered(self, use: ToolUse, step: Step, *, call_id: UUID | None = None) -> None:
        """Records a call whose end the step does not remember; it may be made again."""
        self._tell(use)
        if call_id is not None:
            await self.journal.fenced(RELEASE, {"id": call_id, "code": use.code})
            return
        row = {"id": uuid4(), **self._whose(step), **_what(use), "user_id": None}
        journal = self.journal
        await journal.through(lambda: journal.database.execute(RECORD, row))

    def _tell(self, use: ToolUse) -> None:
        # What a model made up is no tool, and its names have no end.
        tool = UNKNOWN if use.code == Code.TOOL_NOT_FOUND.name else use.tool_name
        self.tell(ToolCalled(self.journal.task, tool, use.took_s, use.code))

    def _whose(self, step: Step) -> dict[str, Any]:
        task = self.journal.task
        return {
            **step_columns(step),
            "task_id": task.id,
            "attempt": task.attempt,
            "agent_id": task.agent.id if task.agent else None,
            "org_id": task.org_id,
        }


def settle(
    task_id: UUID, *, done: bool, step: str | None = None, result: Any = None
) -> Operation[str]:
    """Says of a call of a task whose end is unknown whether it was made; its step.

    `step` is needed where there are several. `result` is what a call that was made returned; one
    that was not is made by the next attempt, with the key that it had. Raises NotFoundError,
    InvalidInputError where there are several, ConflictError while the task runs.
    """
    (row,) = yield Call(
        SETTLE,
        {
            "task_id": task_id,
            "done": done,
            "step": None if step is None else plain_text(step, "the step", most=MOST_STEP),
            "result": dumps(clean(result)),
        },
    )
    settled: str = row["step"]
    return settled


async def prune_tool_calls(connection: Connection, *, keep_s: float) -> int:
    """Deletes at most 5,000 calls older than `keep_s`, and rate limits without calls; how many."""
    await connection.execute(PRUNE_RATES)
    return (await connection.execute(PRUNE_CALLS, {"keep_s": keep_s})).rowcount


def _what(use: ToolUse) -> dict[str, Any]:
    return {
        "tool": clean_text(use.tool_name, most=MOST_NAME),
        "arguments": _shown(use.arguments),
        "took_s": use.took_s,
        "code": use.code,
    }


def _shown(arguments: Any) -> str:
    value = clean(arguments)
    return cut_to_size(value if isinstance(value, dict) else {"": value}, MOST_ARGUMENTS)[1]
