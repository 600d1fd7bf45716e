"""What an agent that is tested is given instead of a journal and tools that keep something."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from oppspot_runner.app.task_access import AccessOfTask
from oppspot_runner.app.tools import RunnerTools
from oppspot_runner.base.errors import Fail
from oppspot_runner.base.steps import KeptStep, Step
from oppspot_runner.base.task import Task
from oppspot_runner.base.waiting import Awaited
from oppspot_runner.queue.journal import TaskJournal

if TYPE_CHECKING:
    from oppspot_runner.tools.trial_calls import TrialRecords, TrialToolCalls


class TrialJournal(TaskJournal):
    """Keeps nothing, and nobody hears of it. What would wait for something fails."""

    async def progress(self, done: float, total: float | None, message: str | None) -> None:
        """Told to nobody."""

    async def steps(self) -> list[KeptStep]:
        """There was no attempt before."""
        return []

    async def remember(self, step: Step, result: Any) -> None:
        """There will be none after."""
        self.saved_steps += 1

    async def wait_for_time(
        self, step: str, seq: int, until: datetime | None, after_s: float | None
    ) -> Awaited:
        """Raises Fail."""
        raise Fail("the agent waits for a time here, and a test does not wait")

    async def wait_for_event(
        self, name: str, step: str, seq: int, timeout_s: float | None
    ) -> Awaited:
        """Raises Fail."""
        raise Fail(f"the agent waits for the event {name!r} here, and a test does not wait")

    async def spawn(self, agent: str, step: str, seq: int, payloads: str) -> Awaited:
        """Raises Fail."""
        raise Fail(f"the agent starts tasks of {agent} here, and a test starts none")


class TrialTools:
    """The tools of the agent of `task`; those that do something are refused."""

    def __init__(self, runner: RunnerTools, task: Task, journal: TrialJournal) -> None:
        self._runner = runner
        self._task = task
        self._journal = journal
        self._records: TrialRecords | None = None
        self._calls: TrialToolCalls | None = None

    async def call(
        self, tool: str, arguments: Any, *, step: Step, raising: bool = False
    ) -> Awaited:
        """The answer of a call."""
        return await (await self._loaded()).call(tool, arguments, step=step, raising=raising)

    async def specs(self, names: Sequence[str] | None) -> Sequence[Mapping[str, Any]]:
        """Name, description and schema of all tools, or of those with these names."""
        return await (await self._loaded()).specs(names)

    def failed_with(self, code: str) -> str | None:
        """The tool that was called last of those which ended with that code."""
        return None if self._records is None else self._records.failed_with(code)

    async def _loaded(self) -> TrialToolCalls:
        services = await self._runner.services()
        if self._calls is None:
            from oppspot_runner.tools.trial_calls import NothingKept, TrialRecords, TrialToolCalls

            self._records = TrialRecords()
            self._calls = TrialToolCalls(
                replace(services, cache=NothingKept()),
                self._task,
                self._records,
                self._journal,
                partial(AccessOfTask, self._task, self._journal),
            )
        return self._calls
