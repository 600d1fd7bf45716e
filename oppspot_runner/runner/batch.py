"""A batch: one call of an agent's code for several attempts, in one slot.

Each attempt stays an attempt of its own, with its token, its limits and its end. Only instead of
running a body it joins the batch, and waits there for its part of what the one call returns. One
that leaves early ends nothing for the others; the call ends when nobody waits for it any more.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, NoReturn

from oppspot_runner.agents.ports import Journal, ModelCalls, ToolCalls
from oppspot_runner.agents.registry import Registry
from oppspot_runner.agents.work_time import WorkTime
from oppspot_runner.backends.backend import Briefing, Place, Result
from oppspot_runner.base.errors import Fail, LeaseLostError
from oppspot_runner.base.steps import KeptStep, Step
from oppspot_runner.base.task import Task
from oppspot_runner.base.waiting import Awaited
from oppspot_runner.llm.messages import ModelRequest, Reply
from oppspot_runner.runner.briefing import chosen_definition

NO_WAITS = "an agent that takes batches cannot wait: raise or return Snooze, or give it one task"


def batch_size(registry: Registry, task: Task) -> int | None:
    """How many tasks the agent's code takes at once; None when it takes no lists.

    A task that was on at two deaths of its runner is alone in its batch, too.
    """
    if not registry.has_batch(task.agent_type):
        return None
    try:
        most = chosen_definition(registry, task)[1].batch
    except Fail:
        return None  # the attempt will say why
    return 1 if task.runs_alone else most


def grouped(registry: Registry, tasks: Sequence[Task]) -> Iterator[tuple[int | None, list[Task]]]:
    """First the tasks that are run one by one (None), then those of each lane that share a batch,
    with its greatest size."""
    single: list[Task] = []
    lanes: defaultdict[tuple[int, *tuple[Any, ...]], list[Task]] = defaultdict(list)
    for task in tasks:
        size = batch_size(registry, task)
        if size is None or task.agent is None:
            single.append(task)
        else:
            lanes[size, task.agent.id, task.task_type, task.org_id].append(task)
    yield None, single
    for (size, *_), group in lanes.items():
        for start in range(0, len(group), size):
            yield size, group[start : start + size]


class Batch:
    """What the attempts with these tokens have in common. All of them must join or leave."""

    def __init__(self, tokens: Sequence[int]) -> None:
        self._awaited = set(tokens)
        self.token = min(self._awaited)  # stands for all where code runs
        self._open = len(self._awaited)
        self.call: asyncio.Task[Result] | None = None
        self._joined: dict[int, Briefing] = {}
        self._parts: dict[int, asyncio.Future[Result]] = {}
        self._complete = asyncio.Event()

    async def join(self, briefing: Briefing, lose: Callable[[], None]) -> None:
        """Takes part, and waits until all others have joined or left.

        `lose` is called when the task turns out to be no longer the attempt's.
        """
        briefing.ctx.journal = MemberJournal(briefing.ctx.journal, lose)
        briefing.ctx._model_calls = MemberModelCalls(briefing.ctx._model_calls, lose)
        briefing.ctx._tool_calls = MemberToolCalls(briefing.ctx._tool_calls, lose)
        self._joined[briefing.ctx.run_token] = briefing
        self._no_longer_awaited(briefing.ctx.run_token)
        await self._complete.wait()

    def leave(self, token: int) -> None:
        """Takes no part, or not any more. May be called at any time."""
        self._no_longer_awaited(token)
        if self.call is None:
            self._joined.pop(token, None)
        elif self._parts.pop(token, None) is not None and self._is_deserted():
            self.call.cancel()

    async def run(self, token: int, there: Place) -> Result:
        """The part of that attempt. The first that asks for its part begins the call.

        Cancelled, it leaves; the last one then stays until the call has ended.
        """
        call = self.call or self._begin(there)
        try:
            return await self._parts[token]
        except asyncio.CancelledError:
            self.leave(token)
            while self._is_deserted() and not call.done():
                call.cancel()
                await _ended(call)
            raise

    def end_one(self, token: int) -> bool:
        """Notes that an attempt has ended, however; whether others have not."""
        self.leave(token)
        self._open -= 1
        return self._open > 0

    def _begin(self, there: Place) -> asyncio.Task[Result]:
        loop = asyncio.get_running_loop()
        first, *others = self._joined.values()
        limits = first.options
        work_time = WorkTime(limits.soft_limit_s, limits.time_limit.total_seconds())
        for one in self._joined.values():
            one.ctx.work_time = work_time
        self._parts = {token: loop.create_future() for token in self._joined}
        self.call = loop.create_task(there.run(replace(first, companions=tuple(others))))
        self.call.add_done_callback(self._hand_out)
        return self.call

    def _hand_out(self, call: asyncio.Task[Result]) -> None:
        error = None if call.cancelled() else call.exception()
        for place, token in enumerate(self._joined):
            part = self._parts.get(token)
            if part is None or part.done():
                continue
            if call.cancelled():
                part.cancel()
            elif error is not None:
                part.set_exception(error)
            else:
                part.set_result(call.result().part(place))

    def _no_longer_awaited(self, token: int) -> None:
        self._awaited.discard(token)
        if not self._awaited:
            self._complete.set()

    def _is_deserted(self) -> bool:
        return not self._parts


async def _ended(call: asyncio.Task[Any]) -> None:
    try:
        await asyncio.wait({call})
    except asyncio.CancelledError:
        return


class MemberJournal:
    """The journal of one task of a batch: that this task is lost must not end the others' call."""

    def __init__(self, journal: Journal, lose: Callable[[], None]) -> None:
        self._journal = journal
        self._lose = lose

    async def progress(self, done: float, total: float | None, message: str | None) -> None:
        """Shows progress, if the task is still ours."""
        await self._unless_lost(self._journal.progress(done, total, message))

    async def emit(self, kind: str, data: Mapping[str, Any]) -> None:
        """Tells those who follow the task's run, if the task is still ours."""
        await self._unless_lost(self._journal.emit(kind, data))

    async def steps(self) -> Sequence[KeptStep]:
        """Finished steps of earlier attempts."""
        return await self._journal.steps()

    async def remember(self, step: Step, result: Any) -> None:
        """Stores the result of a finished step, if the task is still ours."""
        await self._unless_lost(self._journal.remember(step, result))

    async def wait(self, *_: Any) -> NoReturn:
        """Raises Fail: one call cannot wait for some of its tasks and go on with others."""
        raise Fail(NO_WAITS)

    wait_for_time = wait_for_event = spawn = wait

    async def _unless_lost(self, write: Awaitable[None]) -> None:
        try:
            await write
        except LeaseLostError:
            self._lose()


class MemberModelCalls:
    """The language models of one task of a batch."""

    def __init__(self, calls: ModelCalls, lose: Callable[[], None]) -> None:
        self._calls = calls
        self._lose = lose

    async def ask(
        self, model: str, request: ModelRequest, *, step: Step, stream: bool = True
    ) -> Reply:
        """As ModelCalls. Raises Fail for a task that is lost."""
        try:
            return await self._calls.ask(model, request, step=step, stream=stream)
        except LeaseLostError as error:
            self._lose()
            raise Fail(str(error)) from None

    async def replayed(self) -> None:
        await self._calls.replayed()


class MemberToolCalls:
    """The tools of one task of a batch."""

    def __init__(self, calls: ToolCalls, lose: Callable[[], None]) -> None:
        self._calls = calls
        self._lose = lose

    async def call(
        self, tool: str, arguments: Any, *, step: Step, raising: bool = False
    ) -> Awaited:
        """As ToolCalls. Raises Fail for a call that waits, or whose task is lost."""
        try:
            made = await self._calls.call(tool, arguments, step=step, raising=raising)
        except LeaseLostError as error:
            self._lose()
            raise Fail(str(error)) from None
        if not made.over:
            raise Fail(NO_WAITS)
        return made

    async def specs(self, names: Sequence[str] | None) -> Sequence[Mapping[str, Any]]:
        return await self._calls.specs(names)
