"""`Context`: all that an agent may touch. Agents import nothing else of ours but this package."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any, ParamSpec, TypeVar, cast, overload
from uuid import UUID

from pydantic import BaseModel
from structlog.typing import FilteringBoundLogger

from oppspot_runner.agents.children import checked_agent, outputs, payloads_json
from oppspot_runner.agents.emitting import check_event
from oppspot_runner.agents.language_models import LanguageModels
from oppspot_runner.agents.ports import Journal, ModelCalls, ToolCalls
from oppspot_runner.agents.steps import NOT_KNOWN, STEPS_CHANGED, Steps
from oppspot_runner.agents.store_access import StoreAccess
from oppspot_runner.agents.stores import Stores
from oppspot_runner.agents.tools import AgentTools
from oppspot_runner.agents.waiting import SLEEP, checked_name, checked_seconds, checked_time
from oppspot_runner.agents.web import WebAccess
from oppspot_runner.agents.work_time import WorkTime
from oppspot_runner.base.errors import EventTimeoutError
from oppspot_runner.base.jsonsafe import clean
from oppspot_runner.base.steps import KeptStep, Step
from oppspot_runner.base.task import AgentRow, StreamRow, Task
from oppspot_runner.base.waiting import Awaited, Suspended
from oppspot_runner.tools.threads import in_thread

P = ParamSpec("P")
R = TypeVar("R")


@dataclass
class Context(StoreAccess):
    """One attempt of one task, as its agent sees it.

    `payload` is the task's payload; `goal_context` is the payload's, else the stream's own criteria
    and metrics; `upstream` maps the ids of the agents that this one depended on to their outputs;
    `deadline` is when the attempt is cut off (database clock), `time_left` how many seconds are
    left before the agent is told to end; `run_token` never repeats: use it as idempotency key;
    `http` asks the outside world (base/web.py).
    """

    task: Task
    agent: AgentRow
    stream: StreamRow | None
    payload: dict[str, Any]
    goal_context: dict[str, Any]
    upstream: dict[str, Any]
    deadline: datetime
    journal: Journal
    stores: Stores
    _log: Callable[[], FilteringBoundLogger]
    _model_calls: ModelCalls
    _tool_calls: ToolCalls
    http: WebAccess
    execution_config: dict[str, Any] = field(default_factory=dict)
    force_execute: bool = False
    work_time: WorkTime = field(default_factory=WorkTime)
    _waiting: asyncio.Lock = field(default_factory=asyncio.Lock)
    _suspended: Suspended | None = None

    @property
    def attempt(self) -> int:
        """The number of this attempt, from 1."""
        return self.task.attempt

    @property
    def run_token(self) -> int:
        """The token of this attempt; the next attempt has another one."""
        return self.task.run_token

    @property
    def time_left(self) -> float:
        """Seconds until SoftTimeLimitError is raised here (where there is no soft limit: until the
        attempt is cut off); 0 after that, when the time until `deadline` is for cleaning up."""
        return self.work_time.left_s

    @cached_property
    def log(self) -> FilteringBoundLogger:
        """A logger whose lines say which task they belong to."""
        return self._log()

    @property
    def org_id(self) -> UUID | None:
        """The organisation that this task works for."""
        return self.task.org_id

    @cached_property
    def llm(self) -> LanguageModels:
        """The language models. Each answer is a step, and counts against the budgets."""
        default = self.agent.configuration.get("model")
        retries = self.task.retry_count
        return LanguageModels(self._model_calls, self.once, self._wait_for, default, retries)

    @cached_property
    def tools(self) -> AgentTools:
        """The tools that the agent's configuration lets it call."""
        return AgentTools(self._tool_calls, self.once, self._wait_for)

    async def progress(
        self, done: float, total: float | None = None, message: str | None = None
    ) -> None:
        """Says how far the work is: `done` of `total` (any unit), with a short message."""
        await self.journal.progress(done, total, message)

    async def emit(self, kind: str, /, **data: Any) -> None:
        """Tells those who follow the run of this task: `log`, `progress` or `output_chunk`.

        Written within a tenth of a second, many at once; without a run nobody is told. Raises
        InvalidInputError for another kind: those of the run itself are written by the runner.
        """
        check_event(kind, data)
        await self.journal.emit(kind, data)

    async def emit_chunk(self, text: str) -> None:
        """Tells those who follow the run a piece of the output, as it comes from a model.

        What is emitted within a tenth of a second comes as one piece, in order and complete.
        """
        await self.emit("output_chunk", chunk=text)

    async def insight(self, kind: str, title: str, evidence: dict[str, Any] | None = None) -> UUID:
        """Writes an insight of the stream at once. Use `insights.add(tx=...)` in save_results."""
        return await self.insights.add(kind=kind, title=title, evidence=evidence)

    @overload
    async def step(
        self, name: str, function: Callable[P, Awaitable[R]], *args: P.args, **kwargs: P.kwargs
    ) -> R: ...

    @overload
    async def step(
        self, name: str, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs
    ) -> R: ...

    async def step(
        self,
        name: str,
        function: Callable[P, Awaitable[R]] | Callable[P, R],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> R:
        """Calls `function` and remembers its result: a later attempt gets that result back.

        Steps of one name are told apart by the order of their calls. The result must have a JSON
        form; it comes back as that form (a tuple as a list). A plain function runs in a thread,
        so that one that blocks cannot stop the runner.
        """

        async def work(step: Step) -> R:
            if inspect.iscoroutinefunction(function):
                result = await function(*args, **kwargs)
            else:
                result = await in_thread(lambda: function(*args, **kwargs))
                if inspect.isawaitable(result):
                    result = await result
            await self.journal.remember(step, clean(result))
            return cast(R, result)

        return await self.once(name, work)

    async def once(
        self,
        name: str,
        work: Callable[[Step], Awaitable[R]],
        *,
        fingerprint: str | None = None,
        usable: Callable[[Any], bool] = lambda _: True,
    ) -> R:
        """What is kept of this call of the step `name`, else what `work` returns, which keeps it.

        `fingerprint` stands for what the step is given: another one than before is warned of.
        What is kept and not `usable` does not count.
        """
        step, known = await self.recall(name, fingerprint)
        if known is not NOT_KNOWN and usable(known):
            return cast(R, known)
        with self._steps.running(step):
            return await work(step)

    async def sleep_until(self, when: datetime | timedelta) -> None:
        """Goes on at `when`, or that long after the first call. Holds no slot meanwhile.

        The attempt ends here until then, and a later one begins anew: what must not be done
        twice belongs into steps before it.
        """
        step, _ = await self.recall(SLEEP)
        until, after_s = checked_time(when)
        await self._wait(
            "for its time", lambda: self.journal.wait_for_time(SLEEP, step.seq, until, after_s)
        )

    async def wait_for_event(
        self,
        name: str,
        timeout: timedelta | float | None = None,  # noqa: ASYNC109 - it outlasts the attempt
    ) -> Any:
        """The payload of the next signal `name` to the task's run, as soon as there is one.

        Holds no slot meanwhile, as sleep_until. Signals that come early are kept; each answers one
        wait. Raises EventTimeoutError `timeout` (or seconds) after the first call, Fail for a task
        without a run.
        """
        step, result = await self.recall(f"event {checked_name(name)}")
        if result is NOT_KNOWN:
            timeout_s = None if timeout is None else checked_seconds(timeout, "the timeout")
            result = await self._wait(
                f"for the event {name!r}",
                lambda: self.journal.wait_for_event(name, step.name, step.seq, timeout_s),
            )
        if "payload" not in result:
            raise EventTimeoutError(f"the event {name!r} did not come in time")
        return result["payload"]

    async def spawn(
        self,
        agent: str | UUID,
        payloads: Sequence[Mapping[str, Any] | BaseModel],
        *,
        return_exceptions: bool = False,
    ) -> list[Any]:
        """Runs `agent` (id, name or type) once for each payload; their outputs, in that order.

        The tasks are made once, however often this attempt is repeated, and cancelled with this
        one. Holds no slot until all have ended, as sleep_until. Raises ChildrenFailedError when
        some did not complete; with `return_exceptions` there is a Fail in the place of each.
        """
        step, _ = await self.recall(f"spawn {checked_agent(agent)}")
        given = payloads_json(payloads)
        if not payloads:
            return []
        children = await self._wait(
            f"for {len(payloads)} of {agent}",
            lambda: self.journal.spawn(str(agent), step.name, step.seq, given),
        )
        return outputs(children, len(payloads), return_exceptions=return_exceptions)

    async def _wait(self, reason: str, wait: Callable[[], Awaitable[Awaited]]) -> Any:
        """The result of a wait that is over, one after the other; the first that is not ends it."""
        async with self._waiting:
            if self._suspended is None:
                awaited = await wait()
                if awaited.over:
                    return awaited.result
                self._suspended = Suspended(reason, awaited.until)
            raise self._suspended

    async def _wait_for(self, reason: str, found: Awaited) -> Any:
        async def wait() -> Awaited:
            return found

        return await self._wait(reason, wait)

    async def recall(self, name: str, fingerprint: str | None = None) -> tuple[Step, Any]:
        """This call of the step `name`, and its result or NOT_KNOWN."""
        return await self._steps.recall(name, fingerprint)

    @cached_property
    def _steps(self) -> Steps:
        return Steps(self._kept_steps, self._warn_of_steps)

    async def _kept_steps(self) -> Sequence[KeptStep]:
        # A first attempt has none, unless the task replays another one from some step on.
        may_have = self.attempt > 1 or self.task.replay_of is not None
        return await self.journal.steps() if may_have else ()

    def _warn_of_steps(self, what: str) -> None:
        self.log.warning("steps_changed", what=what, hint=STEPS_CHANGED)
