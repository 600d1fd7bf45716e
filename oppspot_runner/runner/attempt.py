"""One attempt: brief, run, decide, settle. It always comes to an end, whatever its agent does.

The agent's body runs in a task of its own and is only watched from here: one that ignores its
cancellation is abandoned after `CUT_OFF_S`, and the fence keeps it from writing anything later.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from functools import partial
from typing import Any

from structlog.typing import FilteringBoundLogger

from oppspot_runner.agents.context import Context
from oppspot_runner.agents.options import AgentOptions, Isolation
from oppspot_runner.agents.registry import Registry
from oppspot_runner.backends.backend import Backend, Briefing, Result
from oppspot_runner.backends.judging import CANCELLED_ITSELF, judged_error, judged_value
from oppspot_runner.base import errors
from oppspot_runner.base.events import EventBus, ResultDropped, TaskFinished, TaskStarted
from oppspot_runner.base.outcome import Cancel, Done, Fail, Outcome, Release, Retry
from oppspot_runner.base.task import Task
from oppspot_runner.db.pool import Database, is_away
from oppspot_runner.queue import store
from oppspot_runner.queue.journal import TaskJournal
from oppspot_runner.queue.settlement import Settlement, settlement
from oppspot_runner.runner.batch import Batch
from oppspot_runner.runner.briefing import Stores, brief, chosen_definition, max_retries
from oppspot_runner.runner.patience import Patience
from oppspot_runner.runner.settler import Settler

CUT_OFF_S = 5.0
SAVE_LEAST_S = 10.0  # for save_results, however long the body took
AGAIN_S = 0.2

# The token of the attempt on whose behalf code runs; whatever a body starts inherits it.
RUNNING: ContextVar[int] = ContextVar("oppspot_running")


@dataclass(frozen=True)
class Tools:
    """What every attempt of a runner works with."""

    database: Database
    registry: Registry
    stores: Stores
    backends: Mapping[Isolation, Backend]
    settler: Settler
    patience: Patience
    events: EventBus
    log: Callable[[Task], FilteringBoundLogger]


class Attempt:
    """One attempt of one task. `run` never raises for what an agent does."""

    def __init__(self, task: Task, tools: Tools, batch: Batch | None = None) -> None:
        self.task = task
        self.tools = tools
        self.batch = batch
        self._token = task.run_token if batch is None else batch.token
        self.options = AgentOptions()
        self.journal = TaskJournal(
            tools.database, task.id, task.run_token, through=tools.patience.through
        )
        self.ctx: Context | None = None
        self.was_cut_off = False
        self.left_behind: asyncio.Task[Any] | None = None
        self.comes_back = False
        self.in_loop = False  # whether code of the agent runs in the event loop now
        self.started_at = time.monotonic()
        self._verdict: Outcome | None = None
        self._lost = False
        self.ending = False  # whether it is ours is now for the fence to say
        self._asked = False
        self._stirred: asyncio.Future[None] | None = None
        self._work: asyncio.Task[Any] | None = None

    def end_with(self, verdict: Cancel | Release) -> None:
        """Cancels the body; the attempt then ends with `verdict`. The first verdict counts."""
        self._verdict = self._verdict or verdict
        self._ask()

    def lose(self) -> None:
        """The task is no longer ours: cancels the body, and nothing is written."""
        self._lost = True
        self._ask()

    def _ask(self) -> None:
        self._asked = True
        self._stir()

    def _stir(self, _: object = None) -> None:
        if self._stirred is not None and not self._stirred.done():
            self._stirred.set_result(None)

    def is_run_by(self, task: asyncio.Task[Any] | None) -> bool:
        """Whether `task` is the body of this attempt, or one that it started (Python 3.12)."""
        if task is None:
            return False
        inherited = getattr(task, "get_context", None)
        token = inherited().get(RUNNING) if inherited is not None else None
        call = self._work if self.batch is None else self.batch.call
        return task is call or token == self._token

    def end_for(self, verdict: Outcome) -> Settlement:
        """How the attempt would end with `verdict` now."""
        return self._settled(verdict, self._run_ms())[0]

    async def run(self, turn: Callable[[], Coroutine[Any, Any, object]] | None = None) -> None:
        """The whole attempt, to its written end. One that runs alone waits for its `turn` first."""
        RUNNING.set(self._token)
        try:
            if turn is not None:
                await self._take_turn(turn)
            self.tools.events.emit(TaskStarted(self.task))
            result = await self._result()
        except Exception as error:  # noqa: BLE001 - no row and no agent may end the runner
            result = Result(judged_error(error))
        if self.batch is not None:
            self.batch.leave(self.task.run_token)
        if self._lost:
            self._dropped("the runner lost the task while it ran")
            return
        await self._settle(result)

    async def _take_turn(self, turn: Callable[[], Coroutine[Any, Any, object]]) -> None:
        waiting = asyncio.get_running_loop().create_task(turn())
        if await self._ended(waiting, None) and not await self.tools.patience.through(self._begin):
            self._lost = True
        self.started_at = time.monotonic()

    async def _begin(self) -> bool:
        async with self.tools.database.connection() as connection:
            return await store.begin(connection, self.task)

    async def _result(self) -> Result:
        if self._verdict is not None or self._lost:
            return Result(self._verdict or Release("lost"))
        if self.task.is_health_check:
            return Result(Done({"ok": True, "run_token": self.task.run_token}))
        try:
            chosen = chosen_definition(self.tools.registry, self.task)
            self.options = chosen[1]
            briefing = await self.tools.patience.through(
                lambda: brief(
                    self.tools.database,
                    self.tools.stores,
                    self.task,
                    chosen,
                    self.journal,
                    partial(self.tools.log, self.task),
                )
            )
            self.ctx = briefing.ctx
            return await self._watch(briefing)
        except errors.Fail as error:
            return Result(Fail(error.one_line()))
        except errors.LeaseLostError as error:
            self._lost = True
            return Result(Release(str(error)))

    async def _watch(self, briefing: Briefing) -> Result:
        limit_s = briefing.options.time_limit.total_seconds()
        isolation = briefing.definition.isolation(briefing.options)
        backend = self.tools.backends[isolation]
        loop = asyncio.get_running_loop()
        if self.batch is None:
            body = loop.create_task(backend.run(briefing))
        elif await self._ended(loop.create_task(self.batch.join(briefing, self.lose)), None):
            body = loop.create_task(self.batch.run(self.task.run_token, backend))
        else:
            return Result(self._verdict or Release("lost"))
        if not await self._ended(body, limit_s, in_loop=isolation == "inline"):
            return Result(self._verdict or Retry(f"the time limit of {limit_s:g} s was exceeded"))
        if body.cancelled():
            return Result(self._verdict or Retry(CANCELLED_ITSELF))
        return body.result()

    async def _ended(
        self, work: asyncio.Task[Any], limit_s: float | None, *, in_loop: bool = False
    ) -> bool:
        """Waits for `work`, its limit, or somebody who asks for the end; False: it was cut off."""
        loop = asyncio.get_running_loop()
        self._work, self.in_loop = work, in_loop
        self._stirred = loop.create_future()
        work.add_done_callback(self._stir)
        timer = None if limit_s is None else loop.call_later(limit_s, self._stir)
        try:
            if not self._asked:
                await self._stirred
            if not work.done():
                await self._cut_off(work)
                return False
            return True
        finally:
            self.in_loop = False
            if timer is not None:
                timer.cancel()
            work.cancel()

    async def _cut_off(self, body: asyncio.Task[Any]) -> None:
        self.was_cut_off = True
        for patience_s in (CUT_OFF_S, CUT_OFF_S / 5):  # a cancellation can get lost: see end_all
            body.cancel()
            done, _ = await asyncio.wait({body}, timeout=patience_s)
            if done:
                break
        if not body.done():
            self.left_behind = body
        elif not body.cancelled():
            body.exception()  # looked at, so that the loop does not complain

    async def _settle(self, result: Result) -> None:
        self.ending = True
        run_ms = self._run_ms()
        if result.saver is not None and isinstance(result.outcome, Done):
            written, end, outcome = await self._save(result, run_ms)
        else:
            end, outcome = self._settled(result.outcome, run_ms)
            written = await self.tools.settler.settle(end)
        if not written:
            self._dropped("the task was taken back, or its end was already written")
            return
        self.comes_back = end.status == "pending"
        self.tools.events.emit(
            TaskFinished(
                task=self.task,
                outcome=outcome,
                status=end.status,
                run_ms=run_ms,
                error=end.error,
                next_attempt_s=end.delay_s if end.status == "pending" else None,
            )
        )

    def _run_ms(self) -> int:
        return int((time.monotonic() - self.started_at) * 1000)

    def _settled(self, outcome: Outcome, run_ms: int) -> tuple[Settlement, Outcome]:
        """What `outcome` becomes; a result that cannot even be read is an error."""
        try:
            return self._settlement(outcome, run_ms), outcome
        except Exception as error:  # noqa: BLE001 - whatever the values of a result do
            failed = judged_error(error)
            return self._settlement(failed, run_ms), failed

    async def _save(self, result: Result, run_ms: int) -> tuple[bool, Settlement, Outcome]:
        """Watches save_results like the body: it has a time limit, and can be asked to end."""
        saving = asyncio.get_running_loop().create_task(self._save_once(result, run_ms))
        used_s = time.monotonic() - self.started_at
        limit_s = max(self.options.time_limit.total_seconds() - used_s, SAVE_LEAST_S)
        outcome: Outcome
        if await self._ended(saving, limit_s, in_loop=True):
            try:
                return await saving
            except Exception as error:  # noqa: BLE001 - whatever an agent's code raises
                outcome = judged_error(error)
        else:
            outcome = self._verdict or Retry("save_results exceeded the time limit")
        end, outcome = self._settled(outcome, run_ms)
        return await self.tools.settler.settle(end), end, outcome

    async def _save_once(self, result: Result, run_ms: int) -> tuple[bool, Settlement, Outcome]:
        assert self.ctx is not None
        save = partial(result.save, self.ctx)

        def end() -> Settlement:
            return self._settlement(judged_value(result.value), run_ms)

        while True:
            try:
                written = await self.tools.settler.settle_alone(self.task, save, end)
                return written, end(), judged_value(result.value)
            except Exception as error:
                if not is_away(error):
                    raise
                # Rolled back, or committed without our knowing: the fence tells which.
                await self.tools.patience.through(self.tools.database.ping)
                await asyncio.sleep(AGAIN_S)

    def _settlement(self, outcome: Outcome, run_ms: int) -> Settlement:
        return settlement(
            self.task,
            outcome,
            backoff=self.options.backoff,
            max_retries=max_retries(self.task, self.options),
            breaker=self.options.breaker,
            goal_context=self.ctx.goal_context if self.ctx else None,
            metrics={"steps": self.journal.saved_steps},
            run_ms=run_ms,
        )

    def _dropped(self, reason: str) -> None:
        self.tools.events.emit(ResultDropped(self.task, reason))
